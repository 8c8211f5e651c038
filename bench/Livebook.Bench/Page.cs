using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Livebook.Core.Json;
using Livebook.Core.Sessions;
using Livebook.Core.Wire;
using Livebook.Drill.Pages;

namespace Livebook.Bench;

/// <summary>A page without a browser: one web socket that joins a session, follows its view and asks for operations.</summary>
internal sealed class Page : IAsyncDisposable
{
    private static readonly HttpMessageInvoker Connections = new(new SocketsHttpHandler { UseCookies = false });
    private static int _clients;

    private readonly ClientWebSocket _socket;
    private readonly string _session;
    private readonly string _client = $"bench-{Interlocked.Increment(ref _clients):d8}";
    private readonly Action<ReadOnlySpan<byte>, long>? _watch;
    private readonly CancellationTokenSource _closed = new();
    private readonly TaskCompletionSource _joined = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _sending = new(1);
    private readonly Lock _gate = new();
    private readonly List<(Func<Page, bool> Condition, TaskCompletionSource<long> Met)> _waiting = [];
    private Task _loop = Task.CompletedTask;
    private JsonNode? _view;
    private long _ref;

    private Page(ClientWebSocket socket, string session, Action<ReadOnlySpan<byte>, long>? watch)
    {
        _socket = socket;
        _session = session;
        _watch = watch;
    }

    /// <summary>The view as the page has it. Only inside a condition it does not change meanwhile.</summary>
    public JsonNode View => _view ?? throw new InvalidOperationException("the page has not joined");

    /// <summary>How often the stream broke and the page joined again.</summary>
    public int Resyncs { get; private set; }

    /// <param name="watch">Gets the bytes of every message with the time it came (<see cref="Stopwatch.GetTimestamp"/>); such a page follows no view.</param>
    public static async Task<Page> JoinAsync(Server server, string session, CancellationToken stop, Action<ReadOnlySpan<byte>, long>? watch = null)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Cookie", server.Cookie);
        socket.Options.SetRequestHeader("Origin", server.Address.GetLeftPart(UriPartial.Authority));
        await socket.ConnectAsync(new UriBuilder(new Uri(server.Address, "ws")) { Scheme = "ws" }.Uri, Connections, stop);
        var page = new Page(socket, session, watch);
        page._loop = page.ReceiveAsync();
        await page.JoinAsync(stop);
        await page._joined.Task.WaitAsync(stop);
        return page;
    }

    private Task JoinAsync(CancellationToken stop) => SendAsync(new ClientMessage.JoinSession(_session, _client, "bench", "1"), stop);

    /// <summary>Asks for an operation, without waiting for the answer.</summary>
    public Task SubmitAsync(ClientOperation operation, CancellationToken stop) => SendAsync(new ClientMessage.Submit(++_ref, operation), stop);

    private async Task SendAsync(ClientMessage message, CancellationToken stop)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(message, WireJson.Default.ClientMessage);
        await _sending.WaitAsync(stop);
        try
        {
            await _socket.SendAsync(bytes, WebSocketMessageType.Text, endOfMessage: true, stop);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Waits until it holds; the result is when the message came that made it hold.</summary>
    public async Task<long> UntilAsync(Func<Page, bool> condition, TimeSpan patience, CancellationToken stop)
    {
        var met = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_loop.IsCompleted)
                throw new InvalidOperationException("the page's socket is closed");
            if (_view is not null && condition(this))
                return Stopwatch.GetTimestamp();
            _waiting.Add((condition, met));
        }
        return await met.Task.WaitAsync(patience, stop);
    }

    private async Task ReceiveAsync()
    {
        var buffer = new byte[2 * 1024];
        try
        {
            while (true)
            {
                var length = 0;
                while (true)
                {
                    var got = await _socket.ReceiveAsync(buffer.AsMemory(length), _closed.Token);
                    if (got.MessageType == WebSocketMessageType.Close)
                        throw new InvalidOperationException($"the server closed the socket: {_socket.CloseStatusDescription}");
                    length += got.Count;
                    if (got.EndOfMessage)
                        break;
                    if (length == buffer.Length)
                        Array.Resize(ref buffer, 2 * buffer.Length);
                }
                await TakeAsync(buffer.AsMemory(0, length), Stopwatch.GetTimestamp());
                if (buffer.Length > 64 * 1024)
                    buffer = new byte[2 * 1024];
            }
        }
        catch (Exception) when (_closed.IsCancellationRequested)
        {
            // It was told to end.
        }
        catch (Exception error)
        {
            Fail(error);
        }
    }

    private void Fail(Exception error)
    {
        _joined.TrySetException(error);
        lock (_gate)
        {
            foreach (var (_, met) in _waiting)
                met.TrySetException(error);
            _waiting.Clear();
        }
    }

    private async Task TakeAsync(ReadOnlyMemory<byte> message, long at)
    {
        if (_watch is not null)
        {
            _watch(message.Span, at);
            if (!_joined.Task.IsCompleted && message.Span.IndexOf("\"type\":\"joined\""u8) >= 0)
                _joined.TrySetResult();
            return;
        }
        var json = JsonNode.Parse(Encoding.UTF8.GetString(message.Span))!;
        switch (json["type"]!.GetValue<string>())
        {
            case "joined":
                lock (_gate)
                    _view = json["view"]!;
                _joined.TrySetResult();
                break;
            case "entries":
                lock (_gate)
                {
                    foreach (var entry in json["items"]!.AsArray().Where(entry => entry!["k"]!.GetValue<string>() == "p"))
                        _view = PatchApplier.Apply(_view, entry!["ops"]!.AsArray());
                }
                break;
            case "resync":
                Resyncs++;
                await JoinAsync(_closed.Token);
                return;
            case "refused" or "gone":
                throw new InvalidOperationException($"the server refused: {json["reason"]}");
        }
        lock (_gate)
        {
            if (_view is null)
                return;
            foreach (var (_, met) in _waiting.Where(one => one.Condition(this)))
                met.TrySetResult(at);
            _waiting.RemoveAll(one => one.Met.Task.IsCompleted);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        _socket.Abort();
        await _loop;
        _socket.Dispose();
        _closed.Dispose();
        _sending.Dispose();
    }
}
