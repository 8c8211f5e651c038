using System.Text.Json;

namespace Livebook.Server.Runtimes;

/// <summary>The private directory of the runtimes of a node: sockets and records.</summary>
internal sealed class RuntimeFolder
{
    /// <summary>A socket's path must fit into the system's 108 bytes.</summary>
    private const int LongestSocketPath = 100;
    private const string TemporaryPrefix = "livebook-runtime-";
    private const string SocketName = "s";

    public RuntimeFolder(string dataPath)
    {
        Path = System.IO.Path.Combine(System.IO.Path.GetFullPath(dataPath), "runtimes");
        MakePrivate(Path);
    }

    public string Path { get; }

    /// <summary>
    /// Where a runtime listens: in a directory of its own here, or in a private temporary one where the path would be too long. The directory is made.
    /// </summary>
    public string SocketOf(string id)
    {
        var socket = System.IO.Path.Combine(Path, id, SocketName);
        if (System.Text.Encoding.UTF8.GetByteCount(socket) > LongestSocketPath)
            return System.IO.Path.Combine(Directory.CreateTempSubdirectory(TemporaryPrefix).FullName, SocketName);
        MakePrivate(System.IO.Path.GetDirectoryName(socket)!);
        return socket;
    }

    public IEnumerable<RuntimeRecord> Records()
    {
        foreach (var file in Directory.EnumerateFiles(Path, "*.json"))
        {
            RuntimeRecord? record = null;
            try
            {
                record = JsonSerializer.Deserialize(File.ReadAllBytes(file), RuntimeRecordJson.Default.RuntimeRecord);
            }
            catch (Exception error) when (error is JsonException or IOException)
            {
                // Half a record: its process was never given to a session.
            }
            if (record is not null)
                yield return record;
            else
                File.Delete(file);
        }
    }

    public RuntimeRecord? Find(string id) => Records().FirstOrDefault(record => record.Id == id);

    public void Write(RuntimeRecord record)
    {
        var temporary = FileOf(record.Id) + ".tmp";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var stream = new FileStream(temporary, options))
            JsonSerializer.Serialize(stream, record, RuntimeRecordJson.Default.RuntimeRecord);
        File.Move(temporary, FileOf(record.Id), overwrite: true);
    }

    /// <summary>Removes what is left of a runtime that has ended.</summary>
    public void Remove(string id, string socket)
    {
        Delete(FileOf(id));
        if (System.IO.Path.GetFileName(socket) == SocketName)
            DeleteDirectory(System.IO.Path.GetDirectoryName(socket)!);
        else
            // Of an earlier release, beside those of others.
            Delete(socket);
    }

    /// <summary>Removes sockets and half-written records of runtimes that are not among those given.</summary>
    public void RemoveStrays(IReadOnlySet<string> kept)
    {
        foreach (var file in Directory.EnumerateFiles(Path))
        {
            if (!kept.Contains(System.IO.Path.GetFileName(file).Split('.')[0]))
                Delete(file);
        }
        foreach (var directory in Directory.EnumerateDirectories(Path))
        {
            if (!kept.Contains(System.IO.Path.GetFileName(directory)))
                DeleteDirectory(directory);
        }
    }

    private string FileOf(string id) => System.IO.Path.Combine(Path, id + ".json");

    private static void Delete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next start of the server tries again.
        }
    }

    private static void DeleteDirectory(string directory)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next start of the server tries again.
        }
    }

    private static void MakePrivate(string directory)
    {
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(directory);
            return;
        }
        Directory.CreateDirectory(directory, owner);
        File.SetUnixFileMode(directory, owner);
    }
}
