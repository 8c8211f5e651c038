namespace Livebook.Server.Files;

/// <summary>How much room is left where a path is stored.</summary>
/// <param name="path">An existing directory.</param>
/// <param name="free">Answers in place of the disk; for tests.</param>
public sealed class DiskSpace(string path, Func<string, long>? free = null)
{
    private readonly Func<string, long> _free = free ?? (static place => new DriveInfo(place).AvailableFreeSpace);

    /// <summary>Bytes that this user can still write. <see cref="long.MaxValue"/> when the system does not say: then a failing write tells.</summary>
    public long FreeBytes()
    {
        try
        {
            return _free(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return long.MaxValue;
        }
    }
}
