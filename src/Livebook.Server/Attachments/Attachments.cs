using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Livebook.Cluster;
using Livebook.Core.Notebooks;
using Livebook.Server.Sessions;

namespace Livebook.Server.Attachments;

/// <summary>Files kept with notebooks, of every session on every node, asked from this one. Contents are streamed both ways.</summary>
public sealed class Attachments
{
    /// <summary>How long a reader waits for a node that has the content.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly ICluster _cluster;
    private readonly Sessions.Sessions _sessions;
    private readonly BlobDoor _door;

    internal Attachments(ICluster cluster, Sessions.Sessions sessions, BlobDoor door)
    {
        _cluster = cluster;
        _sessions = sessions;
        _door = door;
    }

    /// <summary>Every file of a notebook whose content is there, by name.</summary>
    /// <exception cref="SessionNotFoundException">There is no such session.</exception>
    /// <exception cref="OwnerUnavailableException">Nobody served it for 10 s.</exception>
    public async Task<ImmutableArray<StoredAttachment>> ListAsync(string session, CancellationToken stop)
    {
        var reply = await _sessions.QueryAsync(session, "attachments", ImmutableDictionary<string, string>.Empty, stop);
        return JsonSerializer.Deserialize(reply.Body, AttachmentJson.Default.ImmutableArrayStoredAttachment);
    }

    /// <summary>One file, or null.</summary>
    public async Task<StoredAttachment?> FindAsync(string session, string name, CancellationToken stop) =>
        (await ListAsync(session, stop)).FirstOrDefault(attachment => attachment.Name == name);

    /// <summary>Stores a file; one of the same name is replaced. Completes when it is on two nodes, or on the disk of a lone one.</summary>
    /// <param name="length">Bytes that will come; null = not known.</param>
    /// <param name="maximumBytes">More are refused.</param>
    /// <exception cref="SessionRefusedException">It cannot be; in words for a person.</exception>
    /// <exception cref="EndOfStreamException">Fewer bytes came than were announced.</exception>
    public async Task<PutAttachment> PutAsync(
        string session,
        string name,
        Stream content,
        long? length,
        long maximumBytes,
        string? user,
        CancellationToken stop
    )
    {
        if (FileEntries.FaultOf(name) is { } fault)
            throw new SessionRefusedException("refused", $"The name of a file {fault}.");
        if (length > maximumBytes)
            throw TooLarge(maximumBytes);
        var upload = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));
        var owner = await BeginAsync(session, upload, length, stop);
        var whole = false;
        try
        {
            var size = await SendAsync(owner, session, upload, content, maximumBytes, stop);
            if (length is { } announced && announced != size)
                throw new EndOfStreamException($"{announced} bytes were announced, and {size} came.");
            whole = true;
            var reply = Sound(await _door.AskAsync(owner, new BlobRequest.Store(session, upload, name, user), stop));
            return new PutAttachment(name, reply.Hash!, reply.Size, reply.Existed, reply.Version);
        }
        finally
        {
            if (!whole)
                await _door.AskAsync(owner, new BlobRequest.Drop(session, upload), CancellationToken.None);
        }
    }

    private static SessionRefusedException TooLarge(long maximumBytes) =>
        new(
            "too_large",
            string.Create(
                CultureInfo.InvariantCulture,
                $"A file of at most {maximumBytes / 1048576.0:0.#} MB can be stored. Raise LIVEBOOK_UPLOAD_LIMIT_BYTES for more."
            )
        );

    private async Task<string> BeginAsync(string session, string upload, long? length, CancellationToken stop)
    {
        for (var tries = 1; ; tries++)
        {
            // Waits for an owner, if need be.
            await _sessions.QueryAsync(session, "file", ImmutableDictionary<string, string>.Empty, stop);
            var owner = _sessions.Find(session)?.Node ?? _cluster.Self;
            var reply = await _door.AskAsync(owner, new BlobRequest.Begin(session, upload, length, Mirror: false), stop);
            if (reply.Kind == "not_here" && tries < 5)
                continue;
            Sound(reply);
            return owner;
        }
    }

    /// <summary>Some pieces are on their way while the next one is read.</summary>
    private async Task<long> SendAsync(string owner, string session, string upload, Stream content, long maximumBytes, CancellationToken stop)
    {
        var sent = new Queue<Task<BlobReply>>();
        long size = 0;
        try
        {
            while (true)
            {
                var piece = new byte[BlobDoor.PieceBytes];
                var read = await content.ReadAtLeastAsync(piece, piece.Length, throwOnEndOfStream: false, stop);
                if (read == 0)
                    break;
                if (size + read > maximumBytes)
                    throw TooLarge(maximumBytes);
                while (sent.Count >= BlobDoor.Window)
                    Sound(await sent.Dequeue());
                sent.Enqueue(SendAsync(owner, new BlobRequest.Chunk(session, upload, size), piece.AsMemory(0, read), stop));
                size += read;
            }
            while (sent.TryDequeue(out var last))
                Sound(await last);
            return size;
        }
        finally
        {
            await ((Task)Task.WhenAll(sent)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<BlobReply> SendAsync(string owner, BlobRequest.Chunk chunk, ReadOnlyMemory<byte> bytes, CancellationToken stop) =>
        (await _door.AskAsync(owner, chunk, bytes, stop)).Reply;

    /// <exception cref="SessionRefusedException">The reply says that it cannot be.</exception>
    private static BlobReply Sound(BlobReply reply) =>
        reply.Kind switch
        {
            null => reply,
            "not_here" => throw new OwnerUnavailableException("The session's server changed while the file was sent; nothing was changed. Send it again."),
            var kind => throw new SessionRefusedException(kind, reply.Message ?? "The file could not be stored."),
        };

    /// <summary>Opens a content for reading, from whichever node has it: the owner may change meanwhile. Reading throws <see cref="OwnerUnavailableException"/> when no node in reach had it for 10 s.</summary>
    public Stream Open(string session, StoredAttachment attachment) =>
        new AttachmentStream(attachment.Size, (from, stop) => ReadAsync(session, attachment, from, stop));

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        string session,
        StoredAttachment attachment,
        long from,
        [EnumeratorCancellation] CancellationToken stop
    )
    {
        var end = attachment.Size;
        var coming = new Queue<Task<ReadOnlyMemory<byte>>>();
        // A short range must not cost a whole window.
        var window = 1;
        for (var asked = from; from < end; from += BlobDoor.PieceBytes)
        {
            for (; coming.Count < window && asked < end; asked += BlobDoor.PieceBytes)
                coming.Enqueue(PieceAsync(session, attachment.Hash, asked, end, stop));
            window = Math.Min(BlobDoor.Window, window * 2);
            yield return await coming.Dequeue();
        }
    }

    private async Task<ReadOnlyMemory<byte>> PieceAsync(string session, string hash, long from, long end, CancellationToken stop)
    {
        var request = new BlobRequest.Read(session, hash, from, (int)Math.Min(BlobDoor.PieceBytes, end - from));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(Patience);
        while (true)
        {
            foreach (var node in Holders(session))
            {
                var (reply, bytes) = await _door.AskAsync(node, request, default, stop);
                if (reply.Kind is null && bytes.Length == request.Length)
                    return bytes;
            }
            if (limit.IsCancellationRequested)
                throw new OwnerUnavailableException("No server that has the file answers at the moment. Try again.");
            await Task.Delay(100, stop);
        }
    }

    /// <summary>This node first: it may have the content, and then nothing travels.</summary>
    private IEnumerable<string> Holders(string session)
    {
        var log = _cluster.Logs.GetValueOrDefault(session);
        string?[] first = [_cluster.Self, log?.Owner, log?.Standby];
        var others = _cluster.Members.Where(member => member.Status == "up").Select(member => member.Name);
        return first.OfType<string>().Concat(others).Distinct();
    }

    /// <summary>Gives a session the attachments of another one (M11).</summary>
    public async Task CopyAsync(string source, string target, CancellationToken stop)
    {
        foreach (var attachment in await ListAsync(source, stop))
        {
            await using var content = Open(source, attachment);
            await PutAsync(target, attachment.Name, content, attachment.Size, long.MaxValue, null, stop);
        }
    }
}

/// <summary>A file kept with a notebook.</summary>
/// <param name="Hash">Lower-case hex SHA-256 of the content.</param>
public sealed record StoredAttachment(string Name, string Hash, long Size, DateTimeOffset StoredAt);

/// <param name="Existed">A file of that name was there before.</param>
/// <param name="Version">The session's version that holds it.</param>
public sealed record PutAttachment(string Name, string Hash, long Size, bool Existed, long Version);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ImmutableArray<StoredAttachment>))]
internal sealed partial class AttachmentJson : JsonSerializerContext;
