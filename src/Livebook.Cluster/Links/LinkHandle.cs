using System.Buffers.Binary;
using System.Threading.Channels;
using Akka.Actor;
using Akka.Remote.Transport;
using Google.Protobuf;

namespace Livebook.Cluster.Links;

/// <summary>One association of Akka over one authenticated connection.</summary>
internal sealed class LinkHandle : AssociationHandle
{
    /// <summary>Above this many bytes waiting to be written, writes are refused; Akka backs off and tries again.</summary>
    public const int HighWater = 16 * 1024 * 1024;

    private const int BatchBytes = 64 * 1024;

    /// <summary>How long a peer that reads nothing may hold up the end of a connection.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(3);

    private readonly Stream stream;
    private readonly int maximumFrame;
    private readonly Action heard;
    private readonly Action<LinkHandle> closed;
    private readonly Channel<ByteString> outgoing = Channel.CreateUnbounded<ByteString>(new() { SingleReader = true });
    private long waiting;
    private int ended;

    public LinkHandle(Address local, Address remote, Stream stream, int maximumFrame, Action heard, Action<LinkHandle> closed)
        : base(local, remote)
    {
        this.stream = stream;
        this.maximumFrame = maximumFrame;
        this.heard = heard;
        this.closed = closed;
    }

    /// <summary>Begins to write; reading begins when Akka has named its reader.</summary>
    public void Start()
    {
        _ = WriteLoopAsync();
        _ = ReadLoopAsync();
    }

    public override bool Write(ByteString payload)
    {
        if (Volatile.Read(ref ended) != 0 || Interlocked.Read(ref waiting) > HighWater)
        {
            return false;
        }
        Interlocked.Add(ref waiting, payload.Length);
        return outgoing.Writer.TryWrite(payload);
    }

    [Obsolete("Akka's abstract member is obsolete in favour of the one with a reason, which calls this one.")]
    public override void Disassociate()
    {
        outgoing.Writer.TryComplete();
        _ = AbortAfterAsync(LastWords);
    }

    /// <summary>Closes without sending what waits.</summary>
    public void Abort()
    {
        if (Interlocked.Exchange(ref ended, 1) != 0)
        {
            return;
        }
        outgoing.Writer.TryComplete();
        stream.Dispose();
        closed(this);
    }

    private async Task AbortAfterAsync(TimeSpan patience)
    {
        await Task.Delay(patience);
        Abort();
    }

    private async Task WriteLoopAsync()
    {
        try
        {
            using var batch = new MemoryStream();
            while (await outgoing.Reader.WaitToReadAsync())
            {
                batch.SetLength(0);
                var taken = 0;
                while (batch.Length < BatchBytes && outgoing.Reader.TryRead(out var payload))
                {
                    Frame(batch, payload);
                    taken += payload.Length;
                }
                await stream.WriteAsync(batch.GetBuffer().AsMemory(0, (int)batch.Length));
                Interlocked.Add(ref waiting, -taken);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The reader hears of it too, and tells Akka.
        }
        Abort();
    }

    private static void Frame(MemoryStream batch, ByteString payload)
    {
        Span<byte> head = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(head, payload.Length);
        batch.Write(head);
        batch.Write(payload.Span);
    }

    private async Task ReadLoopAsync()
    {
        var listener = await ReadHandlerSource.Task;
        try
        {
            var buffered = new BufferedStream(stream, BatchBytes);
            var head = new byte[4];
            while (true)
            {
                await FillAsync(buffered, head);
                var length = BinaryPrimitives.ReadInt32LittleEndian(head);
                if (length < 0 || length > maximumFrame)
                {
                    break;
                }
                var body = new byte[length];
                await FillAsync(buffered, body);
                listener.Notify(new InboundPayload(UnsafeByteOperations.UnsafeWrap(body)));
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Closed by either side.
        }
        Abort();
        listener.Notify(new Disassociated(DisassociateInfo.Unknown));
    }

    /// <summary>Every piece that arrives is a sign of life: on a slow link a large frame takes longer than a node may be silent.</summary>
    private async ValueTask FillAsync(BufferedStream buffered, Memory<byte> target)
    {
        while (!target.IsEmpty)
        {
            var read = await buffered.ReadAsync(target);
            if (read == 0)
            {
                throw new EndOfStreamException();
            }
            heard();
            target = target[read..];
        }
    }
}
