using Livebook.Core.Sessions;

namespace Livebook.Server.Files;

/// <inheritdoc/>
public sealed class NotebookFiles : INotebookFiles, IDisposable
{
    private readonly FileLocks _locks;

    public NotebookFiles()
        : this(DefaultLockDirectory()) { }

    /// <param name="lockDirectory">Directory of this user; the same for all servers on this machine that must not write the same file.</param>
    public NotebookFiles(string lockDirectory) => _locks = new FileLocks(lockDirectory);

    public async Task<OpenedFile> OpenAsync(string path, string session, long maximumBytes, CancellationToken stop)
    {
        var real = RealPath(path);
        var fresh = _locks.Take(real, session);
        try
        {
            if (fresh)
                AtomicFile.RemoveLeftovers(real);
            var content = await ReadAsync(real, maximumBytes, stop);
            return content is null ? new OpenedFile(real, null, null) : new OpenedFile(real, content.Bytes, content.Version);
        }
        catch
        {
            if (fresh)
                _locks.Release(real, session);
            throw;
        }
    }

    public async Task<FileVersion> SaveAsync(
        string path,
        string session,
        ReadOnlyMemory<byte> content,
        FileVersion? expected,
        bool overwrite,
        CancellationToken stop
    )
    {
        var real = RealPath(path);
        switch (_locks.Holder(real))
        {
            case null:
                throw new IOException($"{real} is not open in this session; open it first.");
            case { } other when other != session:
                throw new FileInUseException(other, $"{real} is open in session {other}. Join it, or save under another name.");
        }
        if (!overwrite)
            await RefuseForeignAsync(real, expected, stop);
        else if (Directory.Exists(real))
            throw new IOException($"{real} is a directory.");
        return await AtomicFile.WriteAsync(real, content, stop);
    }

    public void Release(string path, string session) => _locks.Release(RealPath(path), session);

    public bool DiskFull(IOException error) => AtomicFile.IsDiskFull(error);

    public string RealPath(string path) => RealPaths.Resolve(path);

    /// <summary>Gives all locks back.</summary>
    public void Dispose() => _locks.Dispose();

    private static async Task RefuseForeignAsync(string real, FileVersion? expected, CancellationToken stop)
    {
        // Size first: a file that has grown past any limit is not read to learn that it has changed.
        var present =
            expected is not null && new FileInfo(real) is { Exists: true } info && info.Length != expected.Size
                ? new FileContent(default, new FileVersion(info.Length, info.LastWriteTimeUtc, ""))
                : await ReadAsync(real, long.MaxValue, stop);
        if (expected is null && present is not null)
            throw new FileChangedOutsideException($"{real} is there already, and this session has not read it. Nothing was written.");
        if (expected is not null && present is null)
            throw new FileChangedOutsideException($"{real} was deleted or moved by somebody else. Nothing was written.");
        if (expected is not null && present is not null && (present.Version.Size != expected.Size || present.Version.Hash != expected.Hash))
            throw new FileChangedOutsideException(
                $"{real} was changed by somebody else at {present.Version.ModifiedAt:yyyy-MM-dd HH:mm:ss} UTC. Nothing was written."
            );
    }

    private static async Task<FileContent?> ReadAsync(string real, long maximumBytes, CancellationToken stop)
    {
        if (Directory.Exists(real))
            throw new IOException($"{real} is a directory.");
        try
        {
            await using var stream = new FileStream(
                real,
                FileMode.Open,
                FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete,
                bufferSize: 0,
                FileOptions.Asynchronous | FileOptions.SequentialScan
            );
            if (!stream.CanSeek)
                throw new IOException($"{real} is not a regular file.");
            var limit = Math.Min(maximumBytes, Array.MaxLength);
            if (stream.Length > limit)
                throw TooLarge(real, limit);
            var bytes = new byte[stream.Length];
            var length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, stop);
            var content = bytes.AsMemory(0, length);
            return new FileContent(content, AtomicFile.VersionOf(content.Span, File.GetLastWriteTimeUtc(stream.SafeFileHandle)));
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (DirectoryNotFoundException)
        {
            throw new IOException($"There is no directory {Path.GetDirectoryName(real)}.");
        }
        catch (UnauthorizedAccessException)
        {
            throw new IOException($"{real} may not be read: permission denied.");
        }
    }

    private static NotebookTooLargeException TooLarge(string real, long limit) =>
        new($"{real} is larger than {limit / 1048576.0:0.#} MB, the limit for notebooks. Raise LIVEBOOK_NOTEBOOK_LIMIT_BYTES to open it.");

    private static string DefaultLockDirectory()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        var own = Path.Combine(home.Length > 0 ? home : Path.GetTempPath(), "livebook", "locks");
        try
        {
            Directory.CreateDirectory(own);
            return own;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Path.Combine(Path.GetTempPath(), $"livebook-{Environment.UserName}", "locks");
        }
    }

    private sealed record FileContent(ReadOnlyMemory<byte> Bytes, FileVersion Version);
}
