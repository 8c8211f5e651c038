namespace Livebook.Cluster.Messaging;

/// <summary>
/// Named streams of messages over one link. Each stream keeps its order; large messages travel in pieces, few at a time, so that neither other
/// streams nor the engine's heartbeats wait long for them.
/// </summary>
internal sealed class Streams(Action<ReadOnlyMemory<byte>> send, Action<string, ReadOnlyMemory<byte>> deliver)
{
    /// <summary>Largest message, in bytes. Public payloads are held to <see cref="Messenger.MaximumPayload"/>; snapshots may be larger.</summary>
    public const int MaximumMessage = 512 * 1024 * 1024;

    public const int PieceBytes = 256 * 1024;

    /// <summary>Pieces of one message on their way.</summary>
    public const int Window = 2;

    /// <summary>Large messages on their way at once.</summary>
    public const int Parallel = 4;

    private const int IncomingLimit = 64;
    private const byte WholeKind = 0;
    private const byte FirstPieceKind = 1;
    private const byte PieceKind = 2;
    private const byte AcknowledgeKind = 3;

    private sealed class Outgoing(long id, string stream, ReadOnlyMemory<byte> payload)
    {
        public long Id => id;
        public string Stream => stream;
        public ReadOnlyMemory<byte> Payload => payload;
        public int Sent { get; set; }
        public int Underway { get; set; }
    }

    private sealed class Incoming(string stream, int total)
    {
        public string Stream => stream;
        public int Total => total;
        public MemoryStream Bytes { get; } = new();
    }

    private readonly Dictionary<string, Queue<Outgoing>> queues = [];
    private readonly Dictionary<long, Outgoing> active = [];
    private readonly Queue<Outgoing> waiting = new();
    private readonly Dictionary<long, Incoming> incoming = [];
    private long lastId;

    public void Send(string stream, ReadOnlyMemory<byte> payload)
    {
        if (queues.TryGetValue(stream, out var queue))
        {
            queue.Enqueue(new Outgoing(++lastId, stream, payload));
            return;
        }
        if (payload.Length <= PieceBytes)
        {
            SendWhole(stream, payload);
            return;
        }
        queues[stream] = new Queue<Outgoing>();
        waiting.Enqueue(new Outgoing(++lastId, stream, payload));
        StartWaiting();
    }

    /// <exception cref="InvalidDataException">The body makes no sense.</exception>
    public void Receive(ReadOnlyMemory<byte> body)
    {
        var from = new WireReader(body);
        switch (from.Byte())
        {
            case WholeKind:
                deliver(from.Text(), from.Rest());
                break;
            case FirstPieceKind:
                BeginIncoming(from.Long(), from.Text(), from.Int(), from.Rest());
                break;
            case PieceKind:
                ContinueIncoming(from.Long(), from.Rest());
                break;
            case AcknowledgeKind:
                if (active.TryGetValue(from.Long(), out var transfer))
                {
                    transfer.Underway--;
                    SendPieces(transfer);
                }
                break;
            default:
                throw new InvalidDataException("A message of unknown kind.");
        }
    }

    private void SendWhole(string stream, ReadOnlyMemory<byte> payload) =>
        send(new WireWriter(payload.Length + stream.Length + 16).Byte(WholeKind).Text(stream).Raw(payload.Span).Written);

    private void StartWaiting()
    {
        while (active.Count < Parallel && waiting.TryDequeue(out var next))
        {
            active[next.Id] = next;
            SendPieces(next);
        }
    }

    private void SendPieces(Outgoing transfer)
    {
        while (transfer.Underway < Window && transfer.Sent < transfer.Payload.Length)
        {
            var piece = transfer.Payload.Slice(transfer.Sent, Math.Min(PieceBytes, transfer.Payload.Length - transfer.Sent));
            var to = new WireWriter(piece.Length + 64);
            to =
                transfer.Sent == 0
                    ? to.Byte(FirstPieceKind).Long(transfer.Id).Text(transfer.Stream).Int(transfer.Payload.Length)
                    : to.Byte(PieceKind).Long(transfer.Id);
            transfer.Sent += piece.Length;
            transfer.Underway++;
            send(to.Raw(piece.Span).Written);
        }
        if (transfer.Sent == transfer.Payload.Length && active.Remove(transfer.Id))
        {
            ContinueStream(transfer.Stream);
            StartWaiting();
        }
    }

    private void ContinueStream(string stream)
    {
        var queue = queues[stream];
        while (queue.TryDequeue(out var next))
        {
            if (next.Payload.Length > PieceBytes)
            {
                waiting.Enqueue(next);
                return;
            }
            SendWhole(stream, next.Payload);
        }
        queues.Remove(stream);
    }

    private void BeginIncoming(long id, string stream, int total, ReadOnlyMemory<byte> piece)
    {
        if (total is <= 0 or > MaximumMessage || incoming.Count >= IncomingLimit || incoming.ContainsKey(id))
        {
            throw new InvalidDataException($"A message of {total} bytes in pieces is refused.");
        }
        incoming[id] = new Incoming(stream, total);
        ContinueIncoming(id, piece);
    }

    private void ContinueIncoming(long id, ReadOnlyMemory<byte> piece)
    {
        if (!incoming.TryGetValue(id, out var transfer) || transfer.Bytes.Length + piece.Length > transfer.Total)
        {
            incoming.Remove(id);
            throw new InvalidDataException("A piece of no known message.");
        }
        transfer.Bytes.Write(piece.Span);
        send(new WireWriter(16).Byte(AcknowledgeKind).Long(id).Written);
        if (transfer.Bytes.Length == transfer.Total)
        {
            incoming.Remove(id);
            deliver(transfer.Stream, transfer.Bytes.GetBuffer().AsMemory(0, transfer.Total));
        }
    }
}
