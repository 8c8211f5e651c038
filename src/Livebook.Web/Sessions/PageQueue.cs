using System.Net.WebSockets;
using Livebook.Server.Sessions;

namespace Livebook.Web.Sessions;

/// <summary>What waits to be sent to one page: bounded in messages and bytes, so that a page that does not read costs nobody else anything.</summary>
internal sealed class PageQueue : IPageSink, IAsyncDisposable
{
    private const int MaximumMessages = 256;

    /// <summary>Bytes that may wait; a single message larger than that may wait alone.</summary>
    private const long MaximumBytes = 4L * 1024 * 1024;

    /// <summary>A page that takes nothing for this long is gone.</summary>
    private static readonly TimeSpan SendPatience = TimeSpan.FromSeconds(15);

    /// <summary>RFC 6455, registry of close codes: the service restarts, come back (spread over time).</summary>
    private const WebSocketCloseStatus ServiceRestart = (WebSocketCloseStatus)1012;

    private readonly WebSocket _socket;
    private readonly Lock _lock = new();
    private readonly Queue<ReadOnlyMemory<byte>> _waiting = new();
    private readonly SemaphoreSlim _signal = new(0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private long _bytes;
    private bool _isClosing;

    public PageQueue(WebSocket socket)
    {
        _socket = socket;
        _loop = SendAsync();
    }

    public bool Send(ReadOnlyMemory<byte> message)
    {
        lock (_lock)
        {
            // What it misses it gets where it goes.
            if (_isClosing)
                return true;
            if (_waiting.Count >= MaximumMessages || (_waiting.Count > 0 && _bytes + message.Length > MaximumBytes))
                return false;
            _waiting.Enqueue(message);
            _bytes += message.Length;
        }
        _signal.Release();
        return true;
    }

    public void Restart(ReadOnlyMemory<byte> message)
    {
        lock (_lock)
        {
            if (_isClosing)
                return;
            _waiting.Clear();
            _waiting.Enqueue(message);
            _bytes = message.Length;
        }
        _signal.Release();
    }

    public void SendAway()
    {
        lock (_lock)
        {
            if (_isClosing)
                return;
            _isClosing = true;
            _waiting.Clear();
        }
        _ = SayCloseAsync(ServiceRestart, "this node is about to stop");
    }

    private async Task SendAsync()
    {
        try
        {
            while (true)
            {
                await _signal.WaitAsync(_stop.Token);
                while (Next() is { } message)
                {
                    using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                    limit.CancelAfter(SendPatience);
                    await _socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, limit.Token);
                }
            }
        }
        catch (Exception error) when (error is OperationCanceledException or WebSocketException or ObjectDisposedException)
        {
            // The receiving side notices, and ends the connection.
            _socket.Abort();
        }
    }

    private ReadOnlyMemory<byte>? Next()
    {
        lock (_lock)
        {
            if (!_waiting.TryDequeue(out var message))
                return null;
            _bytes -= message.Length;
            return message;
        }
    }

    /// <summary>Says why and closes. What still waits is dropped: sent behind the close it would reset the connection before the page has read why.</summary>
    public Task CloseAsync(WebSocketCloseStatus status, string reason)
    {
        lock (_lock)
        {
            _isClosing = true;
            _waiting.Clear();
        }
        return SayCloseAsync(status, reason);
    }

    private async Task SayCloseAsync(WebSocketCloseStatus status, string reason)
    {
        try
        {
            using var limit = new CancellationTokenSource(SendPatience);
            // A close frame's reason has at most 123 bytes (RFC 6455, 5.5).
            await _socket.CloseOutputAsync(status, reason.Length <= 100 ? reason : reason[..100], limit.Token);
        }
        catch (Exception error) when (error is OperationCanceledException or WebSocketException or ObjectDisposedException)
        {
            _socket.Abort();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
        _signal.Dispose();
    }
}
