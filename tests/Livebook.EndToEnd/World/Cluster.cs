using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Livebook.EndToEnd.World;

/// <summary>Several nodes that find each other by DNS, behind a load balancer that sends each request to the next one.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    /// <summary>Every cluster of a test run has loopback addresses of its own: the node port is the same for all nodes.</summary>
    private static int _clusters;

    private readonly Dns _dns;
    private readonly Child _balancer;
    private readonly string _directory;

    private Cluster(Dns dns, Node[] nodes, Child balancer, int port, string directory)
    {
        _dns = dns;
        Nodes = nodes;
        _balancer = balancer;
        _directory = directory;
        Address = new Uri($"http://127.0.0.1:{port}/");
        Api = new HttpClient { BaseAddress = new Uri(Address, "api/v1/"), Timeout = TimeSpan.FromSeconds(60) };
        Api.DefaultRequestHeaders.Authorization = new("Bearer", Node.ApiKey);
    }

    public Node[] Nodes { get; }

    /// <summary>Address of the load balancer.</summary>
    public Uri Address { get; }

    /// <summary>Talks to the API of whichever node the load balancer picks.</summary>
    public HttpClient Api { get; }

    public Dns Dns => _dns;

    /// <summary>Address of the load balancer that signs in.</summary>
    public string SignInAddress => $"{Address}?{new Uri(Nodes[0].SignInAddress).Query.TrimStart('?')}";

    public static IReadOnlyDictionary<string, string> Environment(string address, Dns dns) =>
        new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["LIVEBOOK_IP"] = address,
            ["LIVEBOOK_NODE"] = $"livebook@{address}",
            ["LIVEBOOK_CLUSTER"] = $"dns:{Dns.Name}",
            ["LIVEBOOK_DNS_SERVER"] = dns.Server,
            ["LIVEBOOK_COOKIE"] = "end-to-end-cookie-0123456789",
            ["LIVEBOOK_SECRET_KEY_BASE"] = new string('s', 64),
        };

    /// <param name="switched">A network on whose hosts the nodes run; null = loopback addresses.</param>
    public static async Task<Cluster> StartAsync(
        int size,
        CancellationToken stop,
        IReadOnlyDictionary<string, string>? extra = null,
        SwitchedNetwork? switched = null
    )
    {
        var number = Interlocked.Increment(ref _clusters);
        // Tests of two working copies may run at once: the process decides on the network, too.
        var network = string.Create(CultureInfo.InvariantCulture, $"127.{100 + System.Environment.ProcessId % 100}.{number}");
        var addresses =
            switched?.Addresses ?? [.. Enumerable.Range(1, size).Select(index => string.Create(CultureInfo.InvariantCulture, $"{network}.{index}"))];
        var dns = await Dns.StartAsync(addresses, stop, switched?.Own ?? "127.0.0.1");
        var nodes = await Task.WhenAll(
            addresses.Select(address =>
            {
                var environment = new Dictionary<string, string>(Environment(address, dns), StringComparer.Ordinal);
                foreach (var (name, value) in extra ?? new Dictionary<string, string>())
                    environment[name] = value;
                return Node.StartAsync(environment, stop, command: switched is null ? null : [.. switched.On(address), "dotnet", Repository.Server]);
            })
        );
        var directory = Directory.CreateTempSubdirectory("livebook-proxy-").FullName;
        var port = FreePort();
        var balancer = await StartBalancerAsync(directory, port, nodes, stop);
        var cluster = new Cluster(dns, nodes, balancer, port, directory);
        await cluster.UntilWholeAsync(stop);
        return cluster;
    }

    private static async Task<Child> StartBalancerAsync(string directory, int port, Node[] nodes, CancellationToken stop)
    {
        var configuration = Path.Combine(directory, "haproxy.cfg");
        var servers = string.Join('\n', nodes.Select((node, index) => $"  server n{index} {node.Address.Authority} check inter 200ms fall 1 rise 1"));
        await File.WriteAllTextAsync(
            configuration,
            $"""
            defaults
              mode http
              timeout connect 2s
              timeout client 60s
              timeout server 60s
              timeout tunnel 1h
              retries 3
              option redispatch 1
              retry-on conn-failure empty-response 503
            frontend web
              bind 127.0.0.1:{port}
              default_backend nodes
            backend nodes
              balance roundrobin
              option httpchk GET /ready
              http-reuse never
            {servers}

            """,
            stop
        );
        return Child.Start("haproxy", ["-db", "-f", configuration]);
    }

    /// <summary>Waits until every node counts every other one, and the load balancer knows it.</summary>
    public async Task UntilWholeAsync(CancellationToken stop)
    {
        foreach (var node in Nodes)
        {
            await node.UntilReadyAsync(stop);
            await Wait.UntilAsync(
                async () =>
                {
                    var members = (await node.GetAsync("cluster", stop)).GetProperty("nodes").EnumerateArray().ToArray();
                    return members.Length == Nodes.Length && members.All(member => member.GetProperty("status").GetString() == "up");
                },
                $"{node.Name} counts {Nodes.Length} nodes",
                stop
            );
        }
        using var http = new HttpClient();
        await Wait.UntilAsync(async () => (await http.GetAsync(new Uri(Address, "ready"), stop)).IsSuccessStatusCode, "the load balancer answers", stop);
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    /// <summary>The node with this full name.</summary>
    public Node Named(string name) => Nodes.Single(node => node.Name == name);

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        await _balancer.DisposeAsync();
        foreach (var node in Nodes)
            await node.DisposeAsync();
        await _dns.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
