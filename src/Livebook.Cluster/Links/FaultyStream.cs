using System.Threading.Channels;
using Livebook.Faults;

namespace Livebook.Cluster.Links;

/// <summary>
/// A drill's bad network, below TLS: what this node writes to one peer waits, comes late or slowly, as the table says at that moment. Nothing is lost
/// or changed, as with TCP: what a packet's loss costs is time. The other direction is the other node's.
/// </summary>
internal sealed class FaultyStream : Stream
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    /// <summary>How long the end of a connection may be held up: a system gives up a silent peer, too.</summary>
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(60);

    /// <summary>What a lost piece costs: TCP's shortest pause before it sends again.</summary>
    private static readonly TimeSpan Resend = TimeSpan.FromMilliseconds(200);

    private readonly Stream inner;
    private readonly Func<LinkFault> fault;
    private readonly TimeProvider time;
    private readonly Random chance;
    private readonly CancellationTokenSource closed = new();
    private readonly CancellationTokenSource reading = new();

    /// <summary>As much as a socket's buffer takes, roughly.</summary>
    private readonly Channel<(long Due, byte[] Bytes)> onTheWay = Channel.CreateBounded<(long, byte[])>(new BoundedChannelOptions(64) { SingleReader = true });
    private volatile Exception? broken;

    public FaultyStream(Stream inner, Func<LinkFault> fault, TimeProvider time, int seed)
    {
        (this.inner, this.fault, this.time) = (inner, fault, time);
        chance = new Random(seed);
        _ = CarryAsync();
    }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, reading.Token);
        try
        {
            return await inner.ReadAsync(buffer, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ObjectDisposedException(nameof(FaultyStream));
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (broken is { } error)
        {
            throw new IOException(error.Message, error);
        }
        var late = TimeSpan.FromMilliseconds(fault().DelayMilliseconds);
        if (chance.Next(1000) < fault().LossPermille)
        {
            late += Resend;
        }
        try
        {
            await onTheWay.Writer.WriteAsync((time.GetTimestamp() + (long)(late.TotalSeconds * time.TimestampFrequency), buffer.ToArray()), cancellationToken);
        }
        catch (ChannelClosedException e)
        {
            throw new IOException("The connection is closed.", e);
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        // What was written still arrives, and only then the end: it goes the same way.
        if (onTheWay.Writer.TryComplete())
        {
            reading.Cancel();
            closed.CancelAfter(EndPatience);
        }
        base.Dispose(disposing);
    }

    private async Task CarryAsync()
    {
        try
        {
            while (await onTheWay.Reader.WaitToReadAsync(closed.Token))
            {
                while (onTheWay.Reader.TryRead(out var piece))
                {
                    var due = time.GetElapsedTime(time.GetTimestamp(), piece.Due);
                    if (due > TimeSpan.Zero)
                    {
                        await Task.Delay(due, time, closed.Token);
                    }
                    await HealedAsync();
                    if (fault().BytesPerSecond is > 0 and var rate)
                    {
                        await Task.Delay(TimeSpan.FromSeconds((double)piece.Bytes.Length / rate), time, closed.Token);
                    }
                    await inner.WriteAsync(piece.Bytes, closed.Token);
                }
            }
            await HealedAsync();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            broken = e;
            onTheWay.Writer.TryComplete();
        }
        await inner.DisposeAsync();
    }

    private async Task HealedAsync()
    {
        while (fault().Cut)
        {
            await Task.Delay(Look, time, closed.Token);
        }
    }
}
