using System.Text.Json;
using System.Text.Json.Serialization;
using Livebook.Cluster;
using Livebook.Core.Sessions;
using Livebook.Server.Sessions;

namespace Livebook.Server.Files;

/// <summary>Notebook files of any node: those here directly, others through their node.</summary>
internal sealed class NodeFiles
{
    private readonly ICluster _cluster;
    private readonly INotebookFiles _local;
    private readonly string _home;

    /// <param name="home">Directory shown first in dialogs (LIVEBOOK_HOME).</param>
    public NodeFiles(ICluster cluster, INotebookFiles local, string home)
    {
        _home = home;
        _cluster = cluster;
        _local = local;
        cluster.Handle(
            Channels.Files,
            async (_, payload, stop) => JsonSerializer.SerializeToUtf8Bytes(await AnswerAsync(payload, stop), FilesJson.Default.FileReply)
        );
    }

    /// <exception cref="FileSaveException">It could not be opened; in words for a person.</exception>
    public async Task<OpenedFile> OpenAsync(string node, string path, string session, long maximumBytes, CancellationToken stop)
    {
        var reply = await AskAsync(node, new FileRequest("open", path, session, maximumBytes, null, null, null, false), stop);
        return new OpenedFile(reply.Path!, reply.Content is { } content ? content : (ReadOnlyMemory<byte>?)null, reply.Version);
    }

    /// <param name="attempt">Hash of a content of ours that may be in the file although nobody noted it.</param>
    /// <exception cref="FileSaveException">It was not written; the kind and words say why.</exception>
    public async Task<FileVersion> SaveAsync(
        string node,
        string path,
        string session,
        byte[] content,
        FileVersion? expected,
        string? attempt,
        bool overwrite,
        CancellationToken stop
    ) => (await AskAsync(node, new FileRequest("save", path, session, long.MaxValue, content, expected, attempt, overwrite), stop)).Version!;

    /// <summary>Locks the first free name beside a file (<c>name (2).livemd</c>…).</summary>
    public async Task<string> OpenFreeNameAsync(string node, string path, string session, CancellationToken stop) =>
        (await AskAsync(node, new FileRequest("open_free", path, session, long.MaxValue, null, null, null, false), stop)).Path!;

    /// <summary>Lists a directory; null = the home directory of that node.</summary>
    /// <exception cref="FileSaveException">It cannot be read; in words for a person.</exception>
    public async Task<NodeDirectory> ListAsync(string node, string? path, CancellationToken stop)
    {
        var reply = await AskAsync(node, new FileRequest("list", path ?? "", "", 0, null, null, null, false), stop);
        return new NodeDirectory(node, reply.Listing!);
    }

    /// <summary>Gives a lock back; silently when the node is gone, its locks went with it.</summary>
    public async Task ReleaseAsync(string node, string path, string session, CancellationToken stop)
    {
        try
        {
            await AskAsync(node, new FileRequest("release", path, session, 0, null, null, null, false), stop);
        }
        catch (FileSaveException) { }
    }

    private async Task<FileReply> AskAsync(string node, FileRequest request, CancellationToken stop)
    {
        FileReply reply;
        try
        {
            if (node == _cluster.Self)
                reply = await AnswerAsync(request, stop);
            else
            {
                var answer = await _cluster.RequestAsync(
                    node,
                    Channels.Files,
                    JsonSerializer.SerializeToUtf8Bytes(request, FilesJson.Default.FileRequest),
                    stop
                );
                reply = JsonSerializer.Deserialize(answer.Span, FilesJson.Default.FileReply)!;
            }
        }
        catch (Exception error) when (error is NodeUnreachableException or RemoteException)
        {
            throw new FileSaveException(
                "out_of_reach",
                $"The file is on {node}, which is out of reach. Nothing is lost: the session goes on, and saving goes on when the node is back."
            );
        }
        if (reply.Kind is { } kind)
            throw new FileSaveException(kind, reply.Message ?? "", reply.InUseBy);
        return reply;
    }

    private Task<FileReply> AnswerAsync(ReadOnlyMemory<byte> payload, CancellationToken stop) =>
        AnswerAsync(JsonSerializer.Deserialize(payload.Span, FilesJson.Default.FileRequest) ?? throw new InvalidDataException("an empty request"), stop);

    private async Task<FileReply> AnswerAsync(FileRequest request, CancellationToken stop)
    {
        try
        {
            switch (request.What)
            {
                case "open":
                    var opened = await _local.OpenAsync(request.Path, request.Session, request.MaximumBytes, stop);
                    return new FileReply(null, null, opened.Path, opened.Content?.ToArray(), opened.Version, null);
                case "list":
                    var listing = DirectoryListing.Read(request.Path.Length == 0 ? _home : request.Path);
                    return new FileReply(null, null, listing.Path, null, null, null, listing);
                case "open_free":
                    return new FileReply(null, null, await OpenFreeAsync(request, stop), null, null, null);
                case "save":
                    return new FileReply(null, null, request.Path, null, await SaveAsync(request, stop), null);
                case "release":
                    _local.Release(request.Path, request.Session);
                    return new FileReply(null, null, request.Path, null, null, null);
                default:
                    throw new InvalidDataException($"no file request {request.What}");
            }
        }
        catch (FileInUseException error)
        {
            return new FileReply("in_use", error.Message, null, null, null, error.Session);
        }
        catch (FileChangedOutsideException error)
        {
            return new FileReply("changed_outside", error.Message, null, null, null, null);
        }
        catch (NotebookTooLargeException error)
        {
            return new FileReply("too_large", error.Message, null, null, null, null);
        }
        catch (IOException error)
        {
            return new FileReply(_local.DiskFull(error) ? "disk_full" : "failed", error.Message, null, null, null, null);
        }
        catch (UnauthorizedAccessException error)
        {
            return new FileReply("failed", error.Message, null, null, null, null);
        }
    }

    private async Task<FileVersion> SaveAsync(FileRequest request, CancellationToken stop)
    {
        // A session that was taken over, or whose server was restarted, has no lock here yet.
        var present = await _local.OpenAsync(request.Path, request.Session, long.MaxValue, stop);
        var expected = request.Expected;
        if (present.Version is { } version && version.Hash == request.Attempt)
            expected = version;
        return await _local.SaveAsync(request.Path, request.Session, request.Content!, expected, request.Overwrite, stop);
    }

    private async Task<string> OpenFreeAsync(FileRequest request, CancellationToken stop)
    {
        var directory = Path.GetDirectoryName(request.Path)!;
        var name = Path.GetFileNameWithoutExtension(request.Path);
        for (var number = 2; ; number++)
        {
            var path = Path.Combine(directory, $"{name} ({number}){Path.GetExtension(request.Path)}");
            if (File.Exists(path))
                continue;
            try
            {
                return (await _local.OpenAsync(path, request.Session, request.MaximumBytes, stop)).Path;
            }
            catch (FileInUseException)
            {
                // Somebody else is about to make it.
            }
        }
    }
}

/// <summary>A directory of a node.</summary>
public sealed record NodeDirectory(string Node, DirectoryListing Listing);

/// <summary>A file could not be opened or saved.</summary>
/// <param name="kind"><c>changed_outside</c>, <c>out_of_reach</c>, <c>disk_full</c>, <c>in_use</c>, <c>too_large</c> or <c>failed</c>.</param>
internal sealed class FileSaveException(string kind, string message, string? inUseBy = null) : Exception(message)
{
    public string Kind { get; } = kind;

    /// <summary>Session that has the file.</summary>
    public string? InUseBy { get; } = inUseBy;
}

internal sealed record FileRequest(
    string What,
    string Path,
    string Session,
    long MaximumBytes,
    byte[]? Content,
    FileVersion? Expected,
    string? Attempt,
    bool Overwrite
);

internal sealed record FileReply(
    string? Kind,
    string? Message,
    string? Path,
    byte[]? Content,
    FileVersion? Version,
    string? InUseBy,
    DirectoryListing? Listing = null
);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(FileRequest))]
[JsonSerializable(typeof(FileReply))]
internal sealed partial class FilesJson : JsonSerializerContext;
