namespace Livebook.Server.Attachments;

/// <summary>A content as a stream that can be read from anywhere; pieces come from whichever node has it.</summary>
internal sealed class AttachmentStream(long length, Func<long, CancellationToken, IAsyncEnumerable<ReadOnlyMemory<byte>>> from) : Stream
{
    private readonly CancellationTokenSource _closed = new();
    private IAsyncEnumerator<ReadOnlyMemory<byte>>? _pieces;
    private ReadOnlyMemory<byte> _left;
    private long _position;
    private bool _disposed;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => Seek(value, SeekOrigin.Begin);
    }

    public override long Seek(long offset, SeekOrigin origin)
    {
        if (_pieces is not null)
            throw new NotSupportedException("This stream can be moved only before it is read.");
        var target = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => _position + offset,
            _ => length + offset,
        };
        ArgumentOutOfRangeException.ThrowIfNegative(target, nameof(offset));
        return _position = target;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_position >= length || buffer.IsEmpty)
            return 0;
        _pieces ??= from(_position, _closed.Token).GetAsyncEnumerator(_closed.Token);
        if (_left.IsEmpty)
        {
            await using var registration = cancellationToken.Register(_closed.Cancel);
            if (!await _pieces.MoveNextAsync())
                throw new EndOfStreamException("The content is shorter than it should be.");
            _left = _pieces.Current;
        }
        var count = Math.Min(buffer.Length, _left.Length);
        _left[..count].CopyTo(buffer);
        _left = _left[count..];
        _position += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("This stream is read without blocking.");

    public override void Flush() { }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        // Whoever answers with the stream disposes it more than once.
        if (!Interlocked.Exchange(ref _disposed, true))
        {
            await _closed.CancelAsync();
            if (_pieces is not null)
                await _pieces.DisposeAsync();
            _closed.Dispose();
        }
        await base.DisposeAsync();
    }
}
