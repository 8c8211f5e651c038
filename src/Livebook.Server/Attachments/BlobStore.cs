using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Livebook.Server.Files;
using Microsoft.Win32.SafeHandles;

namespace Livebook.Server.Attachments;

/// <summary>Contents of attachments on this node's disk: <c>blobs/SESSION/SHA-256</c> below the data path. A content is there whole or not at all.</summary>
internal sealed partial class BlobStore(string dataPath)
{
    /// <summary>Begins the names of what is not whole yet.</summary>
    private const string UploadPrefix = ".upload-";

    private readonly string _root = Path.Combine(dataPath, "blobs");

    [GeneratedRegex(@"^[A-Za-z0-9_-]{1,64}\z")]
    private static partial Regex WordPattern { get; }

    [GeneratedRegex(@"^[0-9a-f]{64}\z")]
    private static partial Regex HashPattern { get; }

    /// <summary>Sessions that have contents here.</summary>
    public IEnumerable<string> Sessions => Directory.Exists(_root) ? Directory.EnumerateDirectories(_root).Select(path => Path.GetFileName(path)) : [];

    public string PathOf(string session, string hash) =>
        HashPattern.IsMatch(hash) ? Path.Combine(DirectoryOf(session), hash) : throw new InvalidDataException("a content is named by its SHA-256");

    private string DirectoryOf(string session) =>
        WordPattern.IsMatch(session) ? Path.Combine(_root, session) : throw new InvalidDataException("this is no id of a session");

    public bool Has(string session, string hash, long size) => new FileInfo(PathOf(session, hash)) is { Exists: true } info && info.Length == size;

    /// <summary>Reads up to the end of the buffer; null when the content is not here.</summary>
    public async Task<int?> ReadAsync(string session, string hash, long offset, Memory<byte> buffer, CancellationToken stop)
    {
        try
        {
            using var file = File.OpenHandle(
                PathOf(session, hash),
                FileMode.Open,
                FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete,
                FileOptions.Asynchronous
            );
            var read = 0;
            while (read < buffer.Length && await RandomAccess.ReadAsync(file, buffer[read..], offset + read, stop) is var more and > 0)
                read += more;
            return read;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Begins to take a content in.</summary>
    public BlobUpload Begin(string session, string upload)
    {
        if (!WordPattern.IsMatch(upload))
            throw new InvalidDataException("this is no name of an upload");
        var directory = DirectoryOf(session);
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(directory);
        else
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new BlobUpload(Path.Combine(directory, UploadPrefix + upload), hash => PathOf(session, hash));
    }

    /// <summary>Removes what no name refers to and nobody has touched lately.</summary>
    public void RemoveUnused(string session, Func<string, bool> isUsed, DateTime untouchedSince)
    {
        foreach (var file in new DirectoryInfo(DirectoryOf(session)).EnumerateFiles())
        {
            if (file.LastWriteTimeUtc < untouchedSince && !isUsed(file.Name))
                file.Delete();
        }
    }

    /// <summary>Removes everything of a session.</summary>
    public void Remove(string session)
    {
        if (Directory.Exists(DirectoryOf(session)))
            Directory.Delete(DirectoryOf(session), recursive: true);
    }
}

/// <summary>A content on its way into the store. One call at a time.</summary>
internal sealed class BlobUpload : IDisposable
{
    private readonly string _path;
    private readonly Func<string, string> _place;
    private readonly SafeFileHandle _file;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private bool _kept;

    public BlobUpload(string path, Func<string, string> place)
    {
        _path = path;
        _place = place;
        _file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, FileOptions.Asynchronous);
    }

    /// <summary>Bytes taken in.</summary>
    public long Length { get; private set; }

    public async Task AppendAsync(long offset, ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        if (offset != Length)
            throw new InvalidDataException($"bytes at {offset} were sent where those at {Length} are due");
        await RandomAccess.WriteAsync(_file, bytes, offset, stop);
        _hash.AppendData(bytes.Span);
        Length += bytes.Length;
    }

    /// <summary>Makes the content durable under its hash.</summary>
    /// <param name="expected">Hash that it must have; null = any.</param>
    public async Task<string> KeepAsync(string? expected, CancellationToken stop)
    {
        var hash = Convert.ToHexStringLower(_hash.GetHashAndReset());
        if (expected is not null && hash != expected)
            throw new InvalidDataException("the content arrived with another hash than it was sent with");
        await Task.Run(() => RandomAccess.FlushToDisk(_file), stop);
        _file.Dispose();
        var place = _place(hash);
        File.Move(_path, place, overwrite: true);
        _kept = true;
        await Task.Run(() => AtomicFile.FlushDirectory(Path.GetDirectoryName(place)!), CancellationToken.None);
        return hash;
    }

    public void Dispose()
    {
        _file.Dispose();
        _hash.Dispose();
        if (!_kept)
            File.Delete(_path);
    }
}
