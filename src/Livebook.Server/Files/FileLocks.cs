using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Livebook.Server.Files;

/// <summary>
/// Locks on files for sessions, across the processes of one user on this machine. The lock is held on a file in a directory of the user's,
/// never beside the notebook, and the system drops it when the process dies, however it dies.
/// </summary>
/// <param name="directory">The same for all processes that must see each other's locks.</param>
internal sealed class FileLocks(string directory) : IDisposable
{
    private const int Attempts = 100;
    private static readonly int WouldBlock = OperatingSystem.IsMacOS() ? 35 : 11;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Held> _held = new(StringComparer.Ordinal);

    /// <summary>Locks a real path for a session. True when it did not have the lock before.</summary>
    /// <exception cref="FileInUseException">Another session has it, here or in another process.</exception>
    public bool Take(string path, string session)
    {
        lock (_gate)
        {
            if (_held.TryGetValue(path, out var held))
                return held.Session == session ? false : throw InUse(path, held.Session);
            _held.Add(path, new Held(session, Lock(path, session)));
            return true;
        }
    }

    /// <summary>Whose a real path is in this process; null when it is nobody's.</summary>
    public string? Holder(string path)
    {
        lock (_gate)
            return _held.TryGetValue(path, out var held) ? held.Session : null;
    }

    /// <summary>Gives a lock back; silently when the session does not have it.</summary>
    public void Release(string path, string session)
    {
        lock (_gate)
        {
            if (_held.TryGetValue(path, out var held) && held.Session == session)
            {
                _held.Remove(path);
                Unlock(held);
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var held in _held.Values)
                Unlock(held);
            _held.Clear();
        }
    }

    private FileStream Lock(string path, string session)
    {
        MakeDirectory();
        // One name for each file and machine: the user's directory may be shared between machines.
        var key = SHA256.HashData(Encoding.UTF8.GetBytes($"{Environment.MachineName}\n{path}"));
        var name = Path.Combine(directory, Convert.ToHexStringLower(key) + ".lock");
        var note = JsonSerializer.SerializeToUtf8Bytes(
            new LockNote(session, Environment.ProcessId, path, Guid.NewGuid().ToString("N")),
            LockJson.Default.LockNote
        );
        var attempts = 0;
        while (true)
        {
            FileStream stream;
            try
            {
                stream = new FileStream(name, OpenOptions());
            }
            catch (IOException error) when (error.HResult == WouldBlock)
            {
                // Without a name in it, somebody is just taking it or giving it back.
                var holder = Read(name).Session;
                if (holder.Length == 0 && ++attempts < Attempts)
                    continue;
                throw InUse(path, holder);
            }
            catch (UnauthorizedAccessException error)
            {
                throw new IOException($"{path} cannot be locked: {error.Message}", error);
            }
            stream.SetLength(0);
            stream.Write(note);
            stream.Flush();
            // The one who had it before removes the name when done: what was locked may be a file that is not there any more.
            if (ReadBytes(name).AsSpan().SequenceEqual(note))
                return stream;
            stream.Dispose();
        }
    }

    private static FileStreamOptions OpenOptions()
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return options;
    }

    private void MakeDirectory()
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(directory);
        else
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static void Unlock(Held held)
    {
        try
        {
            File.Delete(held.Stream.Name);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A name left over locks nothing.
        }
        held.Stream.Dispose();
    }

    private static LockNote Read(string name)
    {
        try
        {
            return JsonSerializer.Deserialize(ReadBytes(name), LockJson.Default.LockNote) ?? new LockNote("", 0, "", "");
        }
        catch (JsonException)
        {
            // The other one is about to write it.
            return new LockNote("", 0, "", "");
        }
    }

    /// <summary>Reads a lock file. Not through a file stream: that would ask for the lock.</summary>
    private static byte[] ReadBytes(string name)
    {
        using var handle = UnixFiles.Open(name);
        if (handle is null)
            return [];
        var bytes = new byte[64 * 1024];
        return bytes[..RandomAccess.Read(handle, bytes, 0)];
    }

    private static FileInUseException InUse(string path, string session) =>
        new(
            session,
            session.Length == 0 ? $"{path} is open in another session." : $"{path} is open in session {session}. Join it, or save under another name."
        );

    private sealed record Held(string Session, FileStream Stream);
}

/// <summary>What a lock file says about its holder.</summary>
/// <param name="Token">Different for each taking of the lock.</param>
internal sealed record LockNote(string Session, int Pid, string Path, string Token);

[JsonSerializable(typeof(LockNote))]
internal sealed partial class LockJson : JsonSerializerContext;
