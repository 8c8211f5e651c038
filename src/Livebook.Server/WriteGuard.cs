using Livebook.Server.Files;

namespace Livebook.Server;

/// <summary>Refuses changes while the data path has little room left: what is acknowledged must fit there.</summary>
internal sealed class WriteGuard(DiskSpace disk, long minimumBytes, TimeProvider time)
{
    /// <summary>How long one look at the disk counts.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private const long LargeBytes = 1024 * 1024;

    private readonly Lock _lock = new();
    private DateTimeOffset _next;
    private string? _refusal;

    /// <summary>Why so many bytes more may not be written now, or null. Looks at the disk each time when they are many.</summary>
    public string? RefusalOf(long bytes)
    {
        if (bytes < LargeBytes)
            return Refusal();
        var free = disk.FreeBytes();
        return free - bytes >= minimumBytes
            ? null
            : $"Nothing was changed: the file has {bytes / 1048576} MB, the server's disk has {free / 1048576} MB left, and {minimumBytes / 1048576} MB are kept free. Make room at LIVEBOOK_DATA_PATH, or lower LIVEBOOK_MIN_FREE_BYTES.";
    }

    /// <summary>Why nothing may be changed now, or null.</summary>
    public string? Refusal()
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (now < _next)
                return _refusal;
            _next = now + Interval;
            var free = disk.FreeBytes();
            return _refusal =
                free >= minimumBytes
                    ? null
                    : $"Nothing was changed: the server's disk has {free / 1048576} MB left, and {minimumBytes / 1048576} MB are kept free. Make room at LIVEBOOK_DATA_PATH, or lower LIVEBOOK_MIN_FREE_BYTES.";
        }
    }
}
