using System.Collections.Concurrent;
using System.Security.Cryptography;
using Livebook.Cluster;
using Livebook.Server.Files;
using Livebook.Server.Sessions;

namespace Livebook.Server.Attachments;

/// <summary>Contents of attachments between nodes: this node's store for the others, and theirs for this one. What moves, moves in pieces, so memory stays bounded.</summary>
internal sealed class BlobDoor : IDisposable
{
    /// <summary>Bytes of one piece: with its head it travels between nodes as one message, and is no large object of the garbage collector's.</summary>
    public const int PieceBytes = 64 * 1024;

    /// <summary>Pieces of one content on their way at once.</summary>
    public const int Window = 8;

    /// <summary>An upload that gets nothing for this long was given up.</summary>
    private static readonly TimeSpan UploadPatience = TimeSpan.FromMinutes(2);

    private readonly ConcurrentDictionary<(string Session, string Upload), Incoming> _incoming = new();
    private readonly ICluster _cluster;
    private readonly PlacedFiles _placed;
    private readonly Func<long, string?> _refusal;
    private readonly TimeProvider _time;

    /// <param name="refusal">Why so many bytes may not be written now (disk nearly full), or null.</param>
    public BlobDoor(ICluster cluster, BlobStore store, Func<long, string?> refusal, TimeProvider time)
    {
        _cluster = cluster;
        Store = store;
        _placed = new PlacedFiles(store);
        _refusal = refusal;
        _time = time;
        cluster.Handle(Channels.Blobs, AnswerAsync);
    }

    public BlobStore Store { get; }

    /// <summary>What a session's owner does with a whole upload.</summary>
    public Func<BlobRequest.Store, BlobUpload, CancellationToken, Task<BlobReply>> Stored { get; set; } = (_, _, _) => Task.FromResult(BlobReply.NotHere);

    /// <summary>The standby of a session that is owned here, if it has one; false when it is not owned here.</summary>
    public Func<string, (bool Owned, string? Standby)> Owner { get; set; } = _ => (false, null);

    /// <summary>Asks a node; never throws for what goes wrong there.</summary>
    /// <param name="bytes">Travel behind the request.</param>
    public async Task<(BlobReply Reply, ReadOnlyMemory<byte> Bytes)> AskAsync(
        string node,
        BlobRequest request,
        ReadOnlyMemory<byte> bytes,
        CancellationToken stop
    )
    {
        try
        {
            var answer = await _cluster.RequestAsync(node, Channels.Blobs, BlobFrame.Pack(request, BlobJson.Default.BlobRequest, bytes.Span), stop);
            return BlobFrame.Unpack(answer, BlobJson.Default.BlobReply);
        }
        catch (NodeUnreachableException error)
        {
            return (new BlobReply("not_here", error.Message), default);
        }
        catch (RemoteException error)
        {
            return (new BlobReply("failed", error.Message), default);
        }
    }

    public async Task<BlobReply> AskAsync(string node, BlobRequest request, CancellationToken stop) => (await AskAsync(node, request, default, stop)).Reply;

    private async Task<ReadOnlyMemory<byte>> AnswerAsync(string from, ReadOnlyMemory<byte> frame, CancellationToken stop)
    {
        var (request, bytes) = BlobFrame.Unpack(frame, BlobJson.Default.BlobRequest);
        try
        {
            if (request is BlobRequest.Read read)
                return await ReadAsync(read, stop);
            return Packed(await AnswerAsync(request, bytes, stop));
        }
        catch (IOException error) when (AtomicFile.IsDiskFull(error))
        {
            return Packed(new BlobReply("disk_full", $"The disk of {_cluster.Self} is full."));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return Packed(new BlobReply("failed", error.Message));
        }
    }

    private static byte[] Packed(BlobReply reply) => BlobFrame.Pack(reply, BlobJson.Default.BlobReply, default);

    private Task<BlobReply> AnswerAsync(BlobRequest request, ReadOnlyMemory<byte> bytes, CancellationToken stop) =>
        request switch
        {
            BlobRequest.Begin begin => BeginAsync(begin, stop),
            BlobRequest.Chunk chunk => ChunkAsync(chunk, bytes, stop),
            BlobRequest.Store store => StoreAsync(store, stop),
            BlobRequest.Keep keep => KeepAsync(keep, stop),
            BlobRequest.Drop drop => DropAsync(drop, stop),
            BlobRequest.Fetch fetch => FetchAsync(fetch, stop),
            BlobRequest.Place place => PlaceAsync(place, stop),
            BlobRequest.TakeIn take => _placed.TakeInAsync(take.Session, take.Directory, take.Name, take.MaximumBytes, stop),
            BlobRequest.Remove remove => RemoveAsync(remove, stop),
            _ => Task.FromResult(new BlobReply("failed", $"no request {request.GetType().Name} is known here")),
        };

    private async Task<BlobReply> BeginAsync(BlobRequest.Begin begin, CancellationToken stop)
    {
        var (owned, standby) = begin.Mirror ? (true, null) : Owner(begin.Session);
        if (!owned)
            return BlobReply.NotHere;
        if (_refusal(begin.Size ?? 0) is { } full)
            return new BlobReply("disk_full", full);
        var incoming = new Incoming(Store.Begin(begin.Session, begin.Upload), _time);
        if (!_incoming.TryAdd((begin.Session, begin.Upload), incoming))
        {
            incoming.Dispose();
            return new BlobReply("failed", "this upload has begun already");
        }
        if (standby is not null)
        {
            var mirrored = await AskAsync(standby, begin with { Mirror = true }, stop);
            if (mirrored.Kind == "disk_full")
            {
                Forget((begin.Session, begin.Upload));
                return mirrored;
            }
            incoming.Mirror = mirrored.Kind is null ? standby : null;
        }
        return new BlobReply();
    }

    private async Task<BlobReply> ChunkAsync(BlobRequest.Chunk chunk, ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        if (!_incoming.TryGetValue((chunk.Session, chunk.Upload), out var incoming))
            return new BlobReply("not_here", "This node does not know the upload (any more).");
        if (_refusal(bytes.Length) is { } full)
        {
            Forget((chunk.Session, chunk.Upload));
            return new BlobReply("disk_full", full);
        }
        // Several are on their way, and may overtake each other.
        await incoming.TurnAsync(chunk.Offset, stop);
        incoming.TouchedAt = _time.GetTimestamp();
        await incoming.Upload.AppendAsync(chunk.Offset, bytes, stop);
        while (incoming.Mirrored.Count >= Window)
            await incoming.Mirrored.Dequeue();
        incoming.Mirrored.Enqueue(MirrorAsync(incoming, chunk, bytes));
        incoming.Advance();
        return new BlobReply();
    }

    private async Task MirrorAsync(Incoming incoming, BlobRequest.Chunk chunk, ReadOnlyMemory<byte> bytes)
    {
        if (incoming.Mirror is { } node && (await AskAsync(node, chunk, bytes, CancellationToken.None)).Reply.Kind is not null)
            incoming.Mirror = null;
    }

    private async Task<BlobReply> StoreAsync(BlobRequest.Store store, CancellationToken stop)
    {
        if (!_incoming.TryRemove((store.Session, store.Upload), out var incoming))
            return new BlobReply("not_here", "This node does not know the upload (any more).");
        using (incoming)
        {
            await Task.WhenAll(incoming.Mirrored);
            return await Stored(store, incoming.Upload, stop);
        }
    }

    private async Task<BlobReply> KeepAsync(BlobRequest.Keep keep, CancellationToken stop)
    {
        if (!_incoming.TryRemove((keep.Session, keep.Upload), out var incoming))
            return new BlobReply("missing");
        using (incoming)
        {
            if (incoming.Upload.Length != keep.Size)
                return new BlobReply("missing");
            return new BlobReply(Hash: await incoming.Upload.KeepAsync(keep.Hash, stop), Size: keep.Size);
        }
    }

    private async Task<BlobReply> DropAsync(BlobRequest.Drop drop, CancellationToken stop)
    {
        if (_incoming.TryRemove((drop.Session, drop.Upload), out var incoming))
        {
            using (incoming)
            {
                if (incoming.Mirror is { } node)
                    await AskAsync(node, drop, stop);
            }
        }
        return new BlobReply();
    }

    private void Forget((string, string) key)
    {
        if (_incoming.TryRemove(key, out var incoming))
            incoming.Dispose();
    }

    /// <summary>Ends uploads that nobody continues.</summary>
    public void ForgetIdle()
    {
        foreach (var (key, incoming) in _incoming)
        {
            if (_time.GetElapsedTime(incoming.TouchedAt) > UploadPatience)
                Forget(key);
        }
    }

    private async Task<ReadOnlyMemory<byte>> ReadAsync(BlobRequest.Read read, CancellationToken stop)
    {
        var buffer = new byte[Math.Clamp(read.Length, 0, PieceBytes)];
        var count = await Store.ReadAsync(read.Session, read.Hash, read.Offset, buffer, stop);
        var reply = count is null ? new BlobReply("missing", "The content is not here.") : new BlobReply();
        return BlobFrame.Pack(reply, BlobJson.Default.BlobReply, buffer.AsSpan(0, count ?? 0));
    }

    private async Task<BlobReply> FetchAsync(BlobRequest.Fetch fetch, CancellationToken stop)
    {
        if (Store.Has(fetch.Session, fetch.Hash, fetch.Size))
            return new BlobReply(Hash: fetch.Hash, Size: fetch.Size);
        if (_refusal(fetch.Size) is { } full)
            return new BlobReply("disk_full", full);
        using var upload = Store.Begin(fetch.Session, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12)));
        var coming = new Queue<Task<(BlobReply Reply, ReadOnlyMemory<byte> Bytes)>>();
        long asked = 0;
        while (upload.Length < fetch.Size)
        {
            for (; coming.Count < Window && asked < fetch.Size; asked += PieceBytes)
                coming.Enqueue(PieceAsync(fetch, asked, stop));
            var (reply, bytes) = await coming.Dequeue();
            if (reply.Kind is not null || bytes.Length != Math.Min(PieceBytes, fetch.Size - upload.Length))
                return reply.Kind is null ? new BlobReply("missing", "The content is shorter than it should be.") : reply;
            await upload.AppendAsync(upload.Length, bytes, stop);
        }
        return new BlobReply(Hash: await upload.KeepAsync(fetch.Hash, stop), Size: fetch.Size);
    }

    private Task<(BlobReply Reply, ReadOnlyMemory<byte> Bytes)> PieceAsync(BlobRequest.Fetch fetch, long offset, CancellationToken stop) =>
        AskAsync(fetch.From, new BlobRequest.Read(fetch.FromSession, fetch.Hash, offset, PieceBytes), default, stop);

    private async Task<BlobReply> PlaceAsync(BlobRequest.Place place, CancellationToken stop)
    {
        if (!Store.Has(place.Session, place.Hash, place.Size))
        {
            var fetched = await FetchAsync(new BlobRequest.Fetch(place.Session, place.Hash, place.Size, place.From, place.Session), stop);
            if (fetched.Kind is not null)
                return fetched;
        }
        return await _placed.PlaceAsync(place, stop);
    }

    private async Task<BlobReply> RemoveAsync(BlobRequest.Remove remove, CancellationToken stop)
    {
        await _placed.RemoveAsync(remove.Directory, remove.Name, remove.Hash, stop);
        return new BlobReply();
    }

    public void Dispose()
    {
        foreach (var key in _incoming.Keys)
            Forget(key);
    }

    /// <summary>An upload under way.</summary>
    private sealed class Incoming(BlobUpload upload, TimeProvider time) : IDisposable
    {
        public BlobUpload Upload { get; } = upload;

        private long _due;
        private TaskCompletionSource _advanced = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Node that keeps a second copy; null: none, or it has failed and gets the whole later.</summary>
        public string? Mirror { get; set; }

        /// <summary>The last pieces on their way to the mirror.</summary>
        public Queue<Task> Mirrored { get; } = new();

        public long TouchedAt { get; set; } = time.GetTimestamp();

        /// <summary>Completes when everything in front of this place was taken in. Until <see cref="Advance"/> the caller is the only one who goes on.</summary>
        public async Task TurnAsync(long offset, CancellationToken stop)
        {
            while (true)
            {
                var advanced = Volatile.Read(ref _advanced).Task;
                var due = Volatile.Read(ref _due);
                if (offset == due && !advanced.IsFaulted)
                    return;
                if (offset < due)
                    throw new InvalidDataException("a piece came twice");
                await advanced.WaitAsync(stop);
            }
        }

        public void Advance()
        {
            Volatile.Write(ref _due, Upload.Length);
            Interlocked.Exchange(ref _advanced, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        }

        public void Dispose()
        {
            Volatile.Read(ref _advanced).TrySetException(new InvalidDataException("the upload was given up"));
            Upload.Dispose();
        }
    }
}
