namespace Livebook.Cluster.Messaging;

/// <summary>
/// What makes the way to one incarnation of a peer reliable: numbered frames, cumulative acknowledgements on every frame, repetition.
/// Each frame delivered is delivered once and in order, until the peer (this incarnation of it) is out of the cluster. No clock and no I/O of its own.
/// </summary>
internal sealed class Link(long self, long peer, Action<ReadOnlyMemory<byte>> transmit)
{
    /// <summary>After this long without a word, unacknowledged frames are sent again.</summary>
    public static readonly TimeSpan RepeatAfter = TimeSpan.FromSeconds(1);

    private const int RepeatedBytes = 1024 * 1024;
    private readonly Queue<(long Number, ReadOnlyMemory<byte> Body)> unacknowledged = new();
    private long sent;
    private long received;
    private bool owesWord;
    private bool missesFrames;
    private TimeSpan progressAt;

    public long PeerIncarnation => peer;

    /// <summary>Bytes handed to <see cref="Send"/> that the peer has not confirmed.</summary>
    public long PendingBytes { get; private set; }

    public void Send(ReadOnlyMemory<byte> body)
    {
        unacknowledged.Enqueue((++sent, body));
        PendingBytes += body.Length;
        Transmit(sent, body);
    }

    /// <summary>Tells the peer what was received, if it has not been told: at the end of every batch.</summary>
    public void Flush()
    {
        if (owesWord)
        {
            Transmit(0, default);
        }
    }

    /// <summary>Asks the peer to begin again where this side stands; sent when a link comes to life.</summary>
    public void Greet()
    {
        missesFrames = true;
        owesWord = true;
    }

    /// <summary>The body of the frame if it is the next one, else null. Frames of other incarnations are ignored.</summary>
    /// <exception cref="InvalidDataException">It is no frame.</exception>
    public ReadOnlyMemory<byte>? Receive(ReadOnlyMemory<byte> frame, TimeSpan now)
    {
        var from = new WireReader(frame);
        if (from.Long() != peer || from.Long() != self)
        {
            return null;
        }
        var acknowledged = from.Long();
        var peerMissesFrames = from.Byte() != 0;
        var number = from.Long();
        while (unacknowledged.TryPeek(out var first) && first.Number <= acknowledged)
        {
            unacknowledged.Dequeue();
            PendingBytes -= first.Body.Length;
            progressAt = now;
        }
        if (peerMissesFrames)
        {
            Repeat(now);
        }
        if (number == 0)
        {
            return null;
        }
        owesWord = true;
        if (number != received + 1)
        {
            missesFrames |= number > received + 1;
            return null;
        }
        received = number;
        return from.Rest();
    }

    /// <summary>To be called several times a second.</summary>
    public void Tick(TimeSpan now)
    {
        if (unacknowledged.Count == 0)
        {
            progressAt = now;
        }
        else if (now - progressAt >= RepeatAfter)
        {
            Repeat(now);
        }
    }

    private void Repeat(TimeSpan now)
    {
        progressAt = now;
        var bytes = 0;
        foreach (var (number, body) in unacknowledged)
        {
            Transmit(number, body);
            bytes += body.Length;
            if (bytes > RepeatedBytes)
            {
                return;
            }
        }
    }

    private void Transmit(long number, ReadOnlyMemory<byte> body)
    {
        var frame = new WireWriter(body.Length + 40).Long(self).Long(peer).Long(received).Byte(missesFrames ? (byte)1 : (byte)0).Long(number);
        owesWord = false;
        missesFrames = false;
        transmit(frame.Raw(body.Span).Written);
    }
}
