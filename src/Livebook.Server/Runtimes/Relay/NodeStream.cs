using System.Threading.Channels;
using Livebook.Cluster;

namespace Livebook.Server.Runtimes.Relay;

/// <summary>One end of a stream between nodes. One reader and one writer at a time.</summary>
/// <param name="nodeStartedAt">Start of the process that the other end is in; null when it is no member.</param>
internal sealed class NodeStream(NodeStreams streams, string node, string id, DateTimeOffset? nodeStartedAt) : Stream
{
    public const int PieceBytes = 64 * 1024;

    /// <summary>Pieces that wait for a reader.</summary>
    private const int MaximumPieces = 8;

    private readonly Channel<ReadOnlyMemory<byte>> _pieces = Channel.CreateBounded<ReadOnlyMemory<byte>>(MaximumPieces);
    private ReadOnlyMemory<byte> _rest;

    public string Node => node;

    public string Id => id;

    public DateTimeOffset? NodeStartedAt => nodeStartedAt;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>What came from the other side; completes when there is room for more.</summary>
    public async Task TakeAsync(ReadOnlyMemory<byte> piece, CancellationToken stop)
    {
        try
        {
            await _pieces.Writer.WriteAsync(piece, stop);
        }
        catch (ChannelClosedException)
        {
            throw new IOException("that stream has ended");
        }
    }

    /// <summary>Nothing comes any more.</summary>
    public void End() => _pieces.Writer.TryComplete();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_rest.IsEmpty)
        {
            if (!await _pieces.Reader.WaitToReadAsync(cancellationToken))
                return 0;
            _ = _pieces.Reader.TryRead(out _rest);
        }
        var count = Math.Min(buffer.Length, _rest.Length);
        _rest[..count].CopyTo(buffer);
        _rest = _rest[count..];
        return count;
    }

    /// <exception cref="IOException">The other side is gone.</exception>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            for (var rest = buffer; !rest.IsEmpty; rest = rest[Math.Min(PieceBytes, rest.Length)..])
                await streams.SendAsync(this, rest[..Math.Min(PieceBytes, rest.Length)], cancellationToken);
        }
        catch (Exception error) when (error is NodeUnreachableException or RemoteException)
        {
            End();
            throw new IOException(error.Message, error);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await streams.CloseAsync(this);
        await base.DisposeAsync();
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush() { }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
