using Livebook.Core.Sessions;

namespace Livebook.Server.Files;

/// <summary>Notebook files of this node. A file is identified by its real path and locked by one session.</summary>
public interface INotebookFiles
{
    /// <summary>Locks a file for a session (also across processes of this machine) and reads it; null content when it does not exist yet.</summary>
    /// <exception cref="FileInUseException">Another session has it; says which.</exception>
    /// <exception cref="IOException">It cannot be read, is a directory, is larger than the limit…; the message is for a person.</exception>
    Task<OpenedFile> OpenAsync(string path, string session, long maximumBytes, CancellationToken stop);

    /// <summary>Writes a locked file: temporary file in the same directory, fsync, rename, fsync of the directory. Keeps mode bits; follows symbolic links.</summary>
    /// <param name="expected">What the file looked like when we last saw it (size, time, hash are compared); null = it must not exist; ignored when <paramref name="overwrite"/>.</param>
    /// <exception cref="FileChangedOutsideException">It is not what we expected; nothing was written.</exception>
    /// <exception cref="IOException">E.g. disk full; the old file is untouched, the temporary file is gone. <see cref="DiskFull"/> tells.</exception>
    Task<FileVersion> SaveAsync(string path, string session, ReadOnlyMemory<byte> content, FileVersion? expected, bool overwrite, CancellationToken stop);

    /// <summary>Gives the lock back.</summary>
    void Release(string path, string session);

    /// <summary>True when the exception means that the disk or quota is full.</summary>
    bool DiskFull(IOException error);

    /// <summary>The real path (absolute, symbolic links resolved, also of a file that does not exist yet).</summary>
    string RealPath(string path);
}

/// <summary>A file that was locked and read. Content null: there is no such file yet.</summary>
public sealed record OpenedFile(string Path, ReadOnlyMemory<byte>? Content, FileVersion? Version);

public sealed class FileInUseException(string session, string message) : Exception(message)
{
    /// <summary>The session that has the file.</summary>
    public string Session { get; } = session;
}

public sealed class FileChangedOutsideException(string message) : Exception(message);

/// <summary>A file is larger than notebooks may be; the message is for a person.</summary>
public sealed class NotebookTooLargeException(string message) : IOException(message);
