using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Livebook.Cluster.Membership;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Livebook.Cluster.Tests.Membership;

/// <summary>A mesh in this process whose events and messages can be waited for.</summary>
internal sealed class Watched : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    private readonly ConcurrentQueue<MeshEvent> events = new();
    private readonly ConcurrentQueue<(string From, string Text)> messages = new();

    public Watched(
        string node,
        int port,
        TinyDns? dns,
        string cookie = "cookie",
        ILoggerFactory? loggers = null,
        string? previousCookie = null,
        string? keyId = null,
        Func<ClusterOptions, ClusterOptions>? change = null
    )
    {
        var options = new ClusterOptions
        {
            Node = node,
            Port = port,
            DnsQuery = dns is null ? null : "nodes.test",
            DnsServer = dns?.EndPoint,
            Cookie = cookie,
            PreviousCookie = previousCookie,
            KeyIds = keyId is null ? [] : [keyId],
            DataPath = "",
            Version = "1.2.3",
        };
        Mesh = new(change?.Invoke(options) ?? options, loggers ?? NullLoggerFactory.Instance, TimeProvider.System);
        Mesh.Happened += events.Enqueue;
        Mesh.Received = (from, payload) => messages.Enqueue((from, Encoding.UTF8.GetString(payload.Span)));
    }

    public AkkaMesh Mesh { get; }

    public IReadOnlyList<MeshEvent> Events => [.. events];

    public IReadOnlyList<(string From, string Text)> Messages => [.. messages];

    public static async Task<Watched> StartAsync(
        string node,
        int port,
        TinyDns? dns,
        string cookie = "cookie",
        string? previousCookie = null,
        string? keyId = null,
        Func<ClusterOptions, ClusterOptions>? change = null
    )
    {
        var watched = new Watched(node, port, dns, cookie, previousCookie: previousCookie, keyId: keyId, change: change);
        await watched.Mesh.StartAsync(TestContext.Current.CancellationToken);
        return watched;
    }

    /// <summary>A port that is free on every loopback address that tests use, and that no outgoing connection takes by chance.</summary>
    public static int FreePort()
    {
        while (true)
        {
            var port = Random.Shared.Next(20_000, 30_000);
            if (Array.TrueForAll(["127.0.0.2", "127.0.0.3", "127.0.0.4"], address => IsFree(address, port)))
            {
                return port;
            }
        }
    }

    private static bool IsFree(string address, int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(address), port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public void Tell(string node, string text) => Mesh.Tell(node, Encoding.UTF8.GetBytes(text));

    public Task SeesAsync(NodeStatus status, params string[] members) =>
        UntilAsync(() => Mesh.Status == status && Mesh.Members.Select(member => member.Name).SequenceEqual(members), $"{status}: {string.Join(", ", members)}");

    public Task HappensAsync(Func<MeshEvent, bool> which, string what) => UntilAsync(() => events.Any(which), what);

    public async Task UntilAsync(Func<bool> condition, string what)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            if (TimeProvider.System.GetElapsedTime(start) > Patience)
            {
                Assert.Fail(
                    $"{Mesh.Self} waited in vain for {what}; it is {Mesh.Status} with [{string.Join(", ", Mesh.Members)}], strangers [{string.Join(", ", Mesh.Strangers)}], discovery {Mesh.Discovery}, events:\n{string.Join("\n", events)}"
                );
            }
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    public ValueTask DisposeAsync() => Mesh.DisposeAsync();
}
