using System.Collections.Concurrent;
using System.Security.Cryptography;
using Livebook.Server.Files;

namespace Livebook.Server.Attachments;

/// <summary>
/// Copies of attachments where people and code find them: <c>files/</c> beside the notebook, or in the directory in which code runs. They are copies:
/// what a cell writes there never changes the store, and comes in only by <see cref="PlaceAsync"/> and <see cref="TakeInAsync"/>.
/// </summary>
internal sealed class PlacedFiles(BlobStore store)
{
    public const string DirectoryName = "files";

    /// <summary>What was written here by us, by path: size and time tell whether somebody has changed it since.</summary>
    private readonly ConcurrentDictionary<string, (long Size, DateTime Modified)> _ours = new(StringComparer.Ordinal);

    private static string PathOf(string directory, string name) => Path.Combine(directory, DirectoryName, name);

    /// <summary>Writes a content that is in the store; a file there that is newer goes into the store instead and is answered.</summary>
    public async Task<BlobReply> PlaceAsync(BlobRequest.Place place, CancellationToken stop)
    {
        var path = PathOf(place.Directory, place.Name);
        RefuseLinks(path);
        var modified = Whole(place.StoredAt);
        if (new FileInfo(path) is { Exists: true } present)
        {
            if (present.Length == place.Size && present.LastWriteTimeUtc == modified)
                return new BlobReply(Hash: place.Hash, Size: place.Size);
            if (!_ours.TryGetValue(path, out var ours) || ours != (present.Length, present.LastWriteTimeUtc))
            {
                var hash = await HashAsync(path, stop);
                if (hash == place.Hash)
                    return Placed(path, place, modified);
                if (present.LastWriteTimeUtc > modified)
                    return await TakeInAsync(place.Session, place.Directory, place.Name, long.MaxValue, stop);
                // Somebody else's file of that name: it is kept.
                File.Move(path, $"{path}.{present.LastWriteTimeUtc:yyyyMMddHHmmss}.kept", overwrite: false);
            }
        }
        var directory = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(directory);
        var temporary = Path.Combine(directory, $".livebook-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}.tmp");
        try
        {
            await CopyAsync(store.PathOf(place.Session, place.Hash), temporary, stop);
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
        return Placed(path, place, modified);
    }

    private BlobReply Placed(string path, BlobRequest.Place place, DateTime modified)
    {
        File.SetLastWriteTimeUtc(path, modified);
        _ours[path] = (place.Size, modified);
        return new BlobReply(Hash: place.Hash, Size: place.Size);
    }

    private static async Task CopyAsync(string from, string to, CancellationToken stop)
    {
        await using var source = OpenRead(from);
        await using var target = new FileStream(to, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous);
        await source.CopyToAsync(target, 256 * 1024, stop);
        await Task.Run(() => target.Flush(flushToDisk: true), stop);
    }

    /// <summary>Puts what is in <c>files/</c> into the store.</summary>
    public async Task<BlobReply> TakeInAsync(string session, string directory, string name, long maximumBytes, CancellationToken stop)
    {
        var path = PathOf(directory, name);
        RefuseLinks(path);
        if (new FileInfo(path) is not { Exists: true } info)
            return new BlobReply("missing", $"There is no file {path}.");
        if (info.Length > maximumBytes)
            return new BlobReply("refused", $"{path} is larger than {maximumBytes} bytes.");
        using var upload = store.Begin(session, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12)));
        await using var source = OpenRead(path);
        RefuseOther(source, path);
        var buffer = new byte[256 * 1024];
        int read;
        while ((read = await source.ReadAsync(buffer, stop)) > 0)
            await upload.AppendAsync(upload.Length, buffer.AsMemory(0, read), stop);
        var size = upload.Length;
        return new BlobReply(Hash: await upload.KeepAsync(null, stop), Size: size);
    }

    /// <summary>Removes a copy that has this content; another one is somebody else's.</summary>
    public async Task RemoveAsync(string directory, string name, string hash, CancellationToken stop)
    {
        var path = PathOf(directory, name);
        if (new FileInfo(path) is { Exists: true, LinkTarget: null } && await HashAsync(path, stop) == hash)
            File.Delete(path);
        _ours.TryRemove(path, out _);
    }

    private static async Task<string> HashAsync(string path, CancellationToken stop)
    {
        await using var stream = OpenRead(path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, stop));
    }

    private static FileStream OpenRead(string path) =>
        new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, FileOptions.Asynchronous | FileOptions.SequentialScan);

    /// <summary>Code can put links here, and must not read or write by the server's hand what it cannot by its own.</summary>
    private static void RefuseLinks(string path)
    {
        if (new FileInfo(path).LinkTarget is not null || new DirectoryInfo(Path.GetDirectoryName(path)!).LinkTarget is not null)
            throw new IOException($"{path} is reached by a symbolic link, and links are not followed there.");
    }

    /// <summary>The same once more for what was opened: a link may have been put there meanwhile.</summary>
    private static void RefuseOther(FileStream stream, string path)
    {
        var opened = OperatingSystem.IsLinux() ? new FileInfo($"/proc/self/fd/{stream.SafeFileHandle.DangerousGetHandle()}").LinkTarget : path;
        if (
            !stream.CanSeek
            || opened
                != RealPaths.Resolve(Path.GetDirectoryName(Path.GetDirectoryName(path))!) + path[Path.GetDirectoryName(Path.GetDirectoryName(path))!.Length..]
        )
            throw new IOException($"{path} is not a regular file.");
    }

    /// <summary>Whole milliseconds: what every file system keeps.</summary>
    private static DateTime Whole(DateTimeOffset time) => new(time.UtcTicks / TimeSpan.TicksPerMillisecond * TimeSpan.TicksPerMillisecond, DateTimeKind.Utc);
}
