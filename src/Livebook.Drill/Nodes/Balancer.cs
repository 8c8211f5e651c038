using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Livebook.Drill.Nodes;

/// <summary>One address for many nodes: each connection goes to the next node that says it is ready.</summary>
public sealed class Balancer : IAsyncDisposable
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan CheckPatience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(2);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Socket, byte> _open = new();
    private readonly HttpClient _http = new() { Timeout = CheckPatience };
    private readonly Func<IReadOnlyList<Node>> _nodes;
    private readonly Task _running;
    private volatile Uri[] _ready = [];
    private int _turn;

    public Balancer(Func<IReadOnlyList<Node>> nodes)
    {
        _nodes = nodes;
        _listener.Start();
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");
        _running = Task.WhenAll(AcceptAsync(), CheckAsync());
    }

    public Uri Address { get; }

    /// <summary>How many nodes get connections now.</summary>
    public int ReadyNodes => _ready.Length;

    /// <summary>Ends every connection, as a load balancer does that was restarted or whose patience with idle ones is over.</summary>
    public void CutAll()
    {
        foreach (var socket in _open.Keys)
            socket.Dispose();
    }

    private async Task CheckAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var answers = await Task.WhenAll(_nodes().Select(async node => (node.Address, Ready: await IsReadyAsync(node.Address))));
            _ready = [.. answers.Where(answer => answer.Ready).Select(answer => answer.Address)];
            await Task.Delay(CheckInterval, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> IsReadyAsync(Uri address)
    {
        try
        {
            using var response = await _http.GetAsync(new Uri(address, "ready"), _stop.Token);
            return response.IsSuccessStatusCode;
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                _ = ServeAsync(await _listener.AcceptSocketAsync(_stop.Token));
            }
            catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // Stopped, or the caller was gone before it was accepted.
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var near = client;
        _open[near] = 0;
        try
        {
            using var far = await ConnectAsync();
            if (far is null)
                return;
            _open[far] = 0;
            near.NoDelay = far.NoDelay = true;
            try
            {
                using var nearStream = new NetworkStream(near);
                using var farStream = new NetworkStream(far);
                var forth = nearStream.CopyToAsync(farStream, _stop.Token);
                var back = farStream.CopyToAsync(nearStream, _stop.Token);
                await await Task.WhenAny(forth, back);
            }
            finally
            {
                _open.TryRemove(far, out _);
            }
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One side is gone; so is the other now.
        }
        finally
        {
            _open.TryRemove(near, out _);
        }
    }

    /// <summary>The next node that takes the connection; null when none does.</summary>
    private async Task<Socket?> ConnectAsync()
    {
        var ready = _ready;
        for (var attempt = 0; attempt < ready.Length; attempt++)
        {
            var node = ready[(uint)Interlocked.Increment(ref _turn) % ready.Length];
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                limit.CancelAfter(ConnectPatience);
                await socket.ConnectAsync(IPAddress.Parse(node.Host), node.Port, limit.Token);
                return socket;
            }
            catch (Exception error) when (error is SocketException or OperationCanceledException)
            {
                socket.Dispose();
            }
        }
        return null;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        CutAll();
        await _running;
        _listener.Dispose();
        _http.Dispose();
        _stop.Dispose();
    }
}
