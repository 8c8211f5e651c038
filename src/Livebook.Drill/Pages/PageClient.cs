using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Livebook.Core.Json;
using Livebook.Core.Sessions;
using Livebook.Core.Text;
using Livebook.Core.Wire;

namespace Livebook.Drill.Pages;

/// <summary>
/// A session page without a browser: speaks the protocol of <c>/ws</c>, comes back by itself whatever breaks, sends again what was not answered,
/// and notes every acknowledged edit.
/// </summary>
public sealed class PageClient : IAsyncDisposable
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan JoinPatience = TimeSpan.FromSeconds(10);

    /// <summary>How long a page stays with a node that says that it is of no use.</summary>
    private static readonly TimeSpan UselessPatience = TimeSpan.FromSeconds(2);

    private readonly Uri _address;
    private readonly string _cookie;
    private readonly string _session;
    private readonly string _name;
    private readonly History _history;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _closed = new();
    private readonly SortedDictionary<long, Waiting> _waiting = [];
    private readonly Dictionary<string, PageText> _texts = [];
    private readonly string _client;
    private readonly Random _random;
    private readonly SemaphoreSlim _sending = new(1);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ClientWebSocket? _socket;
    private JsonNode? _view;
    private long _epoch;
    private long _version = -1;
    private long _lastRef;
    private int _typed;
    private bool _live;
    private bool _told;
    private bool _useless;
    private long _healthySince;
    private TimeSpan _silence;
    private Task _running = Task.CompletedTask;

    private PageClient(Uri address, string cookie, string session, string name, History history)
    {
        (_address, _cookie, _session, _name, _history) = (new UriBuilder(address) { Scheme = "ws", Path = "/ws" }.Uri, cookie, session, name, history);
        _client = $"{name}-{Guid.NewGuid():N}"[..24];
        _random = new Random(name[0]);
    }

    /// <summary>Epoch of the owner that the page last heard of.</summary>
    public long Epoch => Interlocked.Read(ref _epoch);

    public long Version => Interlocked.Read(ref _version);

    /// <summary>How often the page was told that the session is gone.</summary>
    public int Gone { get; private set; }

    /// <summary>What broke the protocol; empty when nothing did.</summary>
    public ImmutableArray<string> Complaints { get; private set; } = [];

    /// <summary>The longest that input waited while nothing told the page that anything is wrong. A browser's page says so by itself after 3 s.</summary>
    public TimeSpan LongestSilence
    {
        get
        {
            lock (_lock)
                return _silence;
        }
    }

    /// <summary>Whether a cell is in the notebook and waits for nothing, and what its outputs are worth then.</summary>
    public string? ValidityOf(string cell)
    {
        lock (_lock)
        {
            return _view?["cells"]?[cell] is { } shown && (shown["status"]?.GetValue<string>() ?? "ready") == "ready"
                ? shown["validity"]?.GetValue<string>() ?? "fresh"
                : null;
        }
    }

    /// <summary>Ids of the sections, the setup section first.</summary>
    public ImmutableArray<string> Sections
    {
        get
        {
            lock (_lock)
                return [.. _view!["sectionOrder"]!.AsArray().Select(id => id!.GetValue<string>())];
        }
    }

    /// <summary>Opens the page; completes when it shows the session.</summary>
    /// <param name="signIn">An address with the token.</param>
    /// <param name="name">Lower-case letters: the author of the page's tokens.</param>
    public static async Task<PageClient> OpenAsync(Uri address, string signIn, string session, string name, History history, CancellationToken stop)
    {
        using var handler = new HttpClientHandler { UseCookies = false, AllowAutoRedirect = false };
        using var http = new HttpClient(handler);
        using var response = await http.GetAsync(new Uri(signIn), stop);
        var cookie = response.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        var page = new PageClient(address, cookie, session, name, history);
        page._running = page.RunAsync();
        await page.UntilAsync(() => page._live, stop);
        return page;
    }

    /// <summary>The cell's text as the server confirmed it.</summary>
    public string Text(string cell)
    {
        lock (_lock)
            return _texts[cell].Confirmed;
    }

    /// <summary>The session's view as the patches made it, and its version.</summary>
    public (long Version, string Json) View()
    {
        lock (_lock)
            return (_version, _view!.ToJsonString());
    }

    /// <summary>Inserts one token into a cell; completes when the server said that it is safe.</summary>
    public async Task TypeAsync(string cell, CancellationToken stop)
    {
        Task<long> answered;
        string token;
        long asked;
        lock (_lock)
        {
            var text = _texts[cell];
            token = History.Token(_name, ++_typed);
            asked = Stopwatch.GetTimestamp();
            text.Insert(token, _random.Next(Math.Max(1, text.Confirmed.Length)));
            answered = Ask(() => new ClientOperation.EditText(cell, text.Editor, text.Revision, text.Pending is { } pending ? [pending] : []));
        }
        await answered.WaitAsync(stop);
        _history.Acknowledge(token, asked, Epoch);
    }

    /// <summary>Asks for an operation; completes with the version that holds it, however often it has to be sent.</summary>
    /// <exception cref="InvalidOperationException">The server refused it.</exception>
    public Task<long> SubmitAsync(ClientOperation operation, CancellationToken stop)
    {
        lock (_lock)
            return Ask(() => operation).WaitAsync(stop);
    }

    public async Task UntilAsync(Func<bool> condition, CancellationToken stop)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (condition())
                    return;
                changed = _changed.Task;
            }
            await changed.WaitAsync(stop);
        }
    }

    public Task UntilVersionAsync(long version, CancellationToken stop) => UntilAsync(() => _version >= version, stop);

    private Task<long> Ask(Func<ClientOperation> build)
    {
        var waiting = new Waiting(
            ++_lastRef,
            build,
            Stopwatch.GetTimestamp(),
            new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously)
        );
        _waiting[waiting.Ref] = waiting;
        if (_live)
            Send(waiting);
        return waiting.Done.Task;
    }

    private void Send(Waiting waiting) => Send(new ClientMessage.Submit(waiting.Ref, waiting.Build()));

    /// <summary>The caller holds the lock, so messages leave in order.</summary>
    private void Send(ClientMessage message)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(message, WireJson.Default.ClientMessage);
        _ = SendAsync(_socket!, bytes, _sending.WaitAsync(_closed.Token));
    }

    private async Task SendAsync(ClientWebSocket socket, byte[] bytes, Task turn)
    {
        try
        {
            await turn;
        }
        catch (OperationCanceledException)
        {
            return;
        }
        try
        {
            await socket.SendAsync(bytes, WebSocketMessageType.Text, endOfMessage: true, _closed.Token);
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The receiving side notices, and everything unanswered is sent again.
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task RunAsync()
    {
        while (!_closed.IsCancellationRequested)
        {
            try
            {
                await ConnectAsync();
            }
            catch (Exception error) when (error is WebSocketException or HttpRequestException or IOException or OperationCanceledException)
            {
                // Lost, or not there yet: again.
            }
            catch (Exception error)
                when (error is InvalidDataException or ArgumentException or FormatException or InvalidOperationException or KeyNotFoundException)
            {
                Complain(error.Message);
            }
            lock (_lock)
            {
                NoteSilence();
                (_live, _told, _useless, _socket) = (false, false, false, null);
            }
            await Task.Delay(RetryDelay, _closed.Token).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private async Task ConnectAsync()
    {
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.SetRequestHeader("Cookie", _cookie);
        socket.Options.KeepAliveInterval = TimeSpan.FromSeconds(1);
        socket.Options.KeepAliveTimeout = TimeSpan.FromSeconds(5);
        try
        {
            await socket.ConnectAsync(_address, _closed.Token);
        }
        catch (WebSocketException) when (socket.HttpStatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
        {
            Complain($"the page was not let in any more ({(int)socket.HttpStatusCode})");
            throw;
        }
        lock (_lock)
        {
            _socket = socket;
            Join(whole: false);
        }
        var body = new ArrayBufferWriter<byte>();
        while (true)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_closed.Token);
            if (_useless)
                limit.CancelAfter(UselessPatience);
            else if (!_live)
                limit.CancelAfter(JoinPatience);
            var received = await socket.ReceiveAsync(body.GetMemory(64 * 1024), limit.Token);
            if (received.MessageType == WebSocketMessageType.Close)
                return;
            body.Advance(received.Count);
            if (!received.EndOfMessage)
                continue;
            using (var message = JsonDocument.Parse(body.WrittenMemory))
                Hear(message.RootElement);
            body.ResetWrittenCount();
        }
    }

    private void Join(bool whole)
    {
        NoteSilence();
        _live = false;
        var known = _view is not null && !whole;
        Send(
            new ClientMessage.JoinSession(
                _session,
                _client,
                _name,
                "1",
                known ? _epoch : null,
                known ? _version : null,
                _view is null ? null : _texts.ToImmutableDictionary(text => text.Key, text => text.Value.Revision)
            )
        );
    }

    private void Hear(JsonElement message)
    {
        lock (_lock)
        {
            switch (message.GetProperty("type").GetString())
            {
                case "joined":
                    Joined(message);
                    break;
                case "entries" when _live:
                    Entries(message);
                    break;
                case "condition":
                    NoteSilence();
                    _useless = message.GetProperty("status").GetString() is "minority" or "joining" or "draining";
                    var told = _useless || !message.GetProperty("ownerReachable").GetBoolean();
                    if (_told && !told)
                        _healthySince = Stopwatch.GetTimestamp();
                    _told = told;
                    break;
                case "accepted" when _waiting.Remove(message.GetProperty("ref").GetInt64(), out var waiting):
                    NoteSilence(waiting);
                    waiting.Done.SetResult(message.GetProperty("version").GetInt64());
                    break;
                case "refused" when _waiting.Remove(message.GetProperty("ref").GetInt64(), out var waiting):
                    waiting.Done.SetException(new InvalidOperationException($"refused: {message.GetProperty("reason").GetString()}"));
                    break;
                case "resync":
                    Join(whole: false);
                    break;
                case "gone":
                    Gone++;
                    throw new WebSocketException(message.GetProperty("reason").GetString());
            }
            Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        }
    }

    /// <summary>Input waited until now, and the page looked healthy.</summary>
    private void NoteSilence(Waiting? answered = null)
    {
        if (!_live || _told || (answered ?? _waiting.Values.FirstOrDefault()) is not { } waiting)
            return;
        var silence = Stopwatch.GetElapsedTime(Math.Max(waiting.Asked, _healthySince));
        _silence = silence > _silence ? silence : _silence;
    }

    private void Joined(JsonElement message)
    {
        var (epoch, version) = (message.GetProperty("epoch").GetInt64(), message.GetProperty("version").GetInt64());
        if (message.GetProperty("view") is { ValueKind: JsonValueKind.Object } view)
        {
            if (epoch < _epoch)
                Complain($"epoch {epoch} came after {_epoch}");
            _view = JsonNode.Parse(view.GetRawText());
            var texts = message.GetProperty("texts").EnumerateObject().ToArray();
            foreach (var text in texts)
            {
                if (_texts.TryGetValue(text.Name, out var known))
                    known.Join(text.Value);
                else
                    _texts[text.Name] = new PageText(
                        Guid.NewGuid().ToString("N"),
                        text.Value.GetProperty("revision").GetInt32(),
                        text.Value.GetProperty("text").GetString()!
                    );
            }
            Keep(texts.Select(text => text.Name).ToHashSet().Contains);
        }
        else if (_view is null || epoch != _epoch || version != _version)
        {
            Join(whole: true);
            return;
        }
        (_epoch, _version, _live, _healthySince) = (epoch, version, true, Stopwatch.GetTimestamp());
        foreach (var waiting in _waiting.Values.ToArray())
            Send(waiting);
    }

    private void Entries(JsonElement message)
    {
        var (epoch, from, to) = (message.GetProperty("epoch").GetInt64(), message.GetProperty("from").GetInt64(), message.GetProperty("to").GetInt64());
        if (epoch == _epoch && to <= _version)
            return;
        if (epoch != _epoch || from != _version)
        {
            Complain($"entries {from}–{to} of epoch {epoch} do not follow version {_version} of epoch {_epoch}");
            Join(whole: false);
            return;
        }
        foreach (var item in message.GetProperty("items").EnumerateArray())
        {
            switch (item.GetProperty("k").GetString())
            {
                case "p":
                    _view = PatchApplier.Apply(_view, JsonNode.Parse(item.GetProperty("ops").GetRawText())!.AsArray());
                    break;
                case "t":
                    _texts
                        .GetValueOrDefault(item.GetProperty("cell").GetString()!)
                        ?.Receive(item.GetProperty("editor").GetString()!, ChangeSet.Parse(item.GetProperty("changes").GetRawText()));
                    break;
                default:
                    TakeWhole(item.GetProperty("cell").GetString()!, item.GetProperty("revision").GetInt32(), item.GetProperty("text").GetString()!);
                    break;
            }
        }
        _version = to;
        if (message.GetProperty("items").GetArrayLength() > 0)
            Keep(_view!["cells"]!.AsObject().ContainsKey);
    }

    private void TakeWhole(string cell, int revision, string text)
    {
        if (_texts.TryGetValue(cell, out var known))
            known.Replace(revision, text);
        else
            _texts[cell] = new PageText(Guid.NewGuid().ToString("N"), revision, text);
    }

    private void Keep(Func<string, bool> exists)
    {
        foreach (var cell in _texts.Keys.Where(cell => !exists(cell)).ToArray())
            _texts.Remove(cell);
    }

    private void Complain(string what)
    {
        lock (_lock)
            Complaints = Complaints.Add(what);
    }

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        await _running;
        foreach (var waiting in _waiting.Values)
            waiting.Done.TrySetCanceled();
        _closed.Dispose();
    }

    private sealed record Waiting(long Ref, Func<ClientOperation> Build, long Asked, TaskCompletionSource<long> Done);
}
