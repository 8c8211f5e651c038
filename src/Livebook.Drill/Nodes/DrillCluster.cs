using System.Collections.Immutable;
using System.Diagnostics;
using Livebook.Faults;

namespace Livebook.Drill.Nodes;

/// <summary>How a drill's nodes are started.</summary>
/// <param name="Size">Nodes that form the cluster; two more addresses are kept for those that join later.</param>
/// <param name="Network">First three parts of the nodes' loopback addresses.</param>
/// <param name="Crippled">What is switched off, so that the drill has something to find: replication, fencing, at-most-once.</param>
public sealed record ClusterShape(NodeProgram Program, int Size, string Network, ImmutableArray<string> Crippled)
{
    /// <summary>Last part of the first node's address.</summary>
    public int FirstHost { get; init; } = 1;
}

/// <summary>How nodes are brought up.</summary>
/// <param name="EmptyDns">So long DNS knows the name and no address.</param>
/// <param name="Stagger">Between the start of one node and the next.</param>
public sealed record Formation(TimeSpan EmptyDns, TimeSpan Stagger);

/// <summary>Nodes as processes of their own, on loopback addresses, that find each other by DNS, behind one balancer.</summary>
public sealed class DrillCluster : IAsyncDisposable
{
    private const string Name = "nodes.drill.test";
    private static readonly TimeSpan FormationPatience = TimeSpan.FromSeconds(120);

    private readonly ClusterShape _shape;
    private readonly ImmutableArray<string> _addresses;
    private readonly FaultTable _faults;
    private ImmutableArray<Node> _nodes = [];

    private DrillCluster(ClusterShape shape)
    {
        _shape = shape;
        Folder = Directory.CreateTempSubdirectory("livebook-drill-").FullName;
        // Code of notebooks may run as another user, and counts its executions in there.
        File.SetUnixFileMode(Folder, (UnixFileMode)0b111_001_001);
        _addresses = [.. Enumerable.Range(shape.FirstHost, shape.Size + 2).Select(number => $"{shape.Network}.{number}")];
        _faults = FaultTable.Create(TableFile, _addresses);
        Dns = new TinyDns([.. _addresses.Take(shape.Size)]);
        Balancer = new Balancer(() => Nodes);
    }

    public ClusterShape Shape => _shape;

    /// <summary>Whether owners have standbys: not when that is what was switched off.</summary>
    public bool Replicates => !_shape.Crippled.Contains("replication");

    /// <summary>Directory of everything that the drill writes.</summary>
    public string Folder { get; }

    public TinyDns Dns { get; }

    public Balancer Balancer { get; }

    /// <summary>Those that were started; killed ones too.</summary>
    public IReadOnlyList<Node> Nodes => _nodes;

    /// <summary>Addresses that DNS answers with when nothing is wrong with it.</summary>
    public string[] Addresses => [.. _nodes.Select(AddressOf)];

    /// <summary>Address of the balancer that signs in.</summary>
    public string SignInAddress => $"{Balancer.Address}{new Uri(_nodes[0].SignInAddress).Query}";

    /// <summary>From the start of the last process, and DNS being right, until all counted each other.</summary>
    public TimeSpan Formation { get; private set; }

    private string TableFile => Path.Combine(Folder, "faults");

    public static string AddressOf(Node node) => node.Name[(node.Name.IndexOf('@', StringComparison.Ordinal) + 1)..];

    /// <summary>An address of the cluster's network that is nobody's.</summary>
    public string AddressOfHost(int host) => $"{_shape.Network}.{host}";

    public static async Task<DrillCluster> StartAsync(ClusterShape shape, CancellationToken stop, Formation? formation = null)
    {
        var cluster = new DrillCluster(shape);
        try
        {
            var startedAt = Stopwatch.GetTimestamp();
            var starting = new List<Task<Node>>();
            if (formation is { EmptyDns: var empty } && empty > TimeSpan.Zero)
                cluster.Dns.Answer();
            foreach (var address in cluster._addresses.Take(shape.Size))
            {
                if (starting.Count > 0 && formation is { Stagger: var pause })
                    await Task.Delay(pause, stop);
                startedAt = Stopwatch.GetTimestamp();
                starting.Add(cluster.StartNodeAsync(address, stop));
            }
            await Task.WhenAll(starting.Select(start => start.ContinueWith(_ => { }, TaskScheduler.Default)));
            cluster._nodes = [.. starting.Where(start => start.IsCompletedSuccessfully).Select(start => start.Result)];
            await Task.WhenAll(starting);
            if (formation is { EmptyDns: var wait } && wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, stop);
                startedAt = Stopwatch.GetTimestamp();
                cluster.Dns.Answer(cluster.Addresses);
            }
            await cluster.UntilWholeAsync(stop);
            cluster.Formation = Stopwatch.GetElapsedTime(startedAt);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a node that joins the others; DNS names it from then on.</summary>
    public async Task<Node> AddAsync(CancellationToken stop)
    {
        var address = _addresses.Except(Addresses).First();
        Dns.Answer([.. Addresses, address]);
        var node = await StartNodeAsync(address, stop);
        _nodes = _nodes.Add(node);
        return node;
    }

    /// <summary>Takes a node away that has ended.</summary>
    public async Task RemoveAsync(Node node)
    {
        _nodes = _nodes.Remove(node);
        Dns.Answer(Addresses);
        await node.DisposeAsync();
    }

    private Task<Node> StartNodeAsync(string address, CancellationToken stop)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["LIVEBOOK_IP"] = address,
            ["LIVEBOOK_NODE"] = $"livebook@{address}",
            ["LIVEBOOK_CLUSTER"] = $"dns:{Name}",
            ["LIVEBOOK_DNS_SERVER"] = Dns.EndPoint.ToString(),
            ["LIVEBOOK_COOKIE"] = "drill-cookie-0123456789",
            ["LIVEBOOK_SECRET_KEY_BASE"] = new string('d', 64),
            ["LIVEBOOK_SPARE_RUNTIMES"] = "0",
        };
        foreach (var part in _shape.Crippled)
            environment[$"LIVEBOOK_TEST_WITHOUT_{part.ToUpperInvariant().Replace('-', '_')}"] = "true";
        var data = Directory.CreateDirectory(
            Path.Combine(Folder, $"node-{address}"),
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        );
        var program = _shape.Program with { Arguments = [.. _shape.Program.Arguments, "--fault-table", TableFile] };
        return Node.StartAsync(program, environment, stop, data.FullName);
    }

    /// <summary>The node with this full name.</summary>
    public Node Named(string name) => _nodes.Single(node => node.Name == name);

    /// <summary>What is wrong on the way from one node to another, from now on.</summary>
    internal void SetLink(Node from, Node to, LinkFault fault) => _faults[AddressOf(from), AddressOf(to)] = fault;

    /// <summary>Nothing is wrong with any link, nor with DNS.</summary>
    public void Heal()
    {
        foreach (var from in _addresses)
        {
            foreach (var to in _addresses)
                _faults[from, to] = default;
        }
        Dns.Answer(Addresses);
    }

    /// <summary>Waits until every node counts every other one, and the balancer knows it.</summary>
    public async Task UntilWholeAsync(CancellationToken stop)
    {
        var nodes = _nodes;
        await Task.WhenAll(
            nodes.Select(node =>
                Wait.UntilAsync(
                    async () => (await node.MembersAsync(stop)).SetEquals(nodes.Select(each => each.Name)),
                    $"{node.Name} counts {nodes.Length} nodes",
                    stop,
                    FormationPatience
                )
            )
        );
        await Wait.UntilAsync(() => Task.FromResult(Balancer.ReadyNodes == nodes.Length), "the balancer finds every node ready", stop, FormationPatience);
    }

    public async ValueTask DisposeAsync()
    {
        await Balancer.DisposeAsync();
        foreach (var node in _nodes)
            await node.DisposeAsync();
        await Dns.DisposeAsync();
        _faults.Dispose();
        try
        {
            Directory.Delete(Folder, recursive: true);
        }
        catch (IOException)
        {
            // A runtime may still be ending there.
        }
    }
}
