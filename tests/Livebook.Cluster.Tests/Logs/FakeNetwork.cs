using System.Collections.Immutable;
using System.Threading.Channels;
using Livebook.Cluster.Membership;

namespace Livebook.Cluster.Tests.Logs;

/// <summary>
/// A cluster's membership and links in memory. Tests decide who is there: nodes join, are killed, cut off, judged and healed by calls; messages
/// over a cut or to the dead are lost; links can be held (delayed) and made lossy by a seed.
/// </summary>
internal sealed class FakeNetwork
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, FakeMesh> nodes = [];
    private readonly HashSet<(string, string)> cuts = [];
    private readonly Dictionary<(string From, string To), List<ReadOnlyMemory<byte>>> held = [];
    private Random? losses;
    private double lossRate;
    private long lastIncarnation;

    /// <summary>Messages that arrived.</summary>
    public long Delivered;

    public FakeMesh Node(string name)
    {
        lock (gate)
        {
            return nodes[name] = new FakeMesh(this, name, ++lastIncarnation);
        }
    }

    public void Lose(int seed, double rate)
    {
        lock (gate)
        {
            (losses, lossRate) = (new Random(seed), rate);
        }
    }

    /// <summary>Keeps messages of a link back until <see cref="ReleaseLink"/>.</summary>
    public void HoldLink(string from, string to)
    {
        lock (gate)
        {
            held[(from, to)] = [];
        }
    }

    public void ReleaseLink(string from, string to)
    {
        lock (gate)
        {
            if (held.Remove((from, to), out var waiting))
            {
                waiting.ForEach(bytes => nodes.GetValueOrDefault(to)?.Deliver(from, bytes));
            }
        }
    }

    public void Join(FakeMesh node)
    {
        lock (gate)
        {
            var members = nodes.Values.Where(other => other != node && other.Status == NodeStatus.Member && !IsCut(other.Self, node.Self)).ToList();
            node.Become(NodeStatus.Member, [node.Me, .. members.Select(member => member.Me)]);
            node.Raise(new MeshEvent.Up(node.Me));
            foreach (var member in members)
            {
                node.Raise(new MeshEvent.Up(member.Me));
                member.Become(NodeStatus.Member, [.. member.Members, node.Me]);
                member.Raise(new MeshEvent.Up(node.Me));
            }
        }
    }

    /// <summary>The process is gone at once; others are told when <see cref="Judge"/> is called, or now.</summary>
    public void Kill(string name, bool tell = true)
    {
        lock (gate)
        {
            if (nodes.Remove(name, out var node))
            {
                node.Stop();
                if (tell)
                {
                    TellDowned(node.Me);
                }
            }
        }
    }

    /// <summary>Cuts every link between the two groups; both sides suspect each other.</summary>
    public void Cut(string[] left, string[] right)
    {
        lock (gate)
        {
            foreach (var (a, b) in left.SelectMany(a => right.Select(b => (a, b))))
            {
                cuts.Add((a, b));
                cuts.Add((b, a));
                Suspect(a, b);
                Suspect(b, a);
            }
        }
    }

    /// <summary>The cut is decided: the losers are expelled, the winners see them downed.</summary>
    public void Judge(string[] losers)
    {
        lock (gate)
        {
            foreach (var loser in losers.Select(name => nodes[name]))
            {
                loser.Become(NodeStatus.Minority, [loser.Me with { Reachable = true }]);
                loser.Raise(new MeshEvent.Expelled());
            }
            foreach (var loser in losers.Select(name => nodes[name]))
            {
                TellDowned(loser.Me);
            }
        }
    }

    /// <summary>Links work again; whoever was expelled joins anew.</summary>
    public void Heal()
    {
        lock (gate)
        {
            cuts.Clear();
            foreach (var node in nodes.Values)
            {
                foreach (var other in node.Members.Where(member => !member.Reachable).ToList())
                {
                    node.Become(node.Status, [.. node.Members.Select(member => member.Name == other.Name ? member with { Reachable = true } : member)]);
                    node.Raise(new MeshEvent.Trusted(other with { Reachable = true }));
                }
            }
            foreach (var node in nodes.Values.Where(node => node.Status == NodeStatus.Minority).ToList())
            {
                node.Renew(++lastIncarnation);
                Join(node);
            }
        }
    }

    internal void Send(string from, string to, ReadOnlyMemory<byte> bytes)
    {
        lock (gate)
        {
            Assert.True(bytes.Length <= IMesh.MaximumBytes);
            if (!nodes.TryGetValue(from, out var sender) || !nodes.TryGetValue(to, out var receiver))
            {
                return;
            }
            if (
                IsCut(from, to)
                || sender.Status != NodeStatus.Member
                || !receiver.Members.Any(member => member.Name == from && member.Incarnation == sender.Me.Incarnation)
            )
            {
                return;
            }
            if (losses is not null && losses.NextDouble() < lossRate)
            {
                return;
            }
            if (held.TryGetValue((from, to), out var waiting))
            {
                waiting.Add(bytes);
                return;
            }
            Delivered++;
            receiver.Deliver(from, bytes);
        }
    }

    private bool IsCut(string a, string b) => cuts.Contains((a, b));

    private void Suspect(string a, string b)
    {
        if (nodes.TryGetValue(a, out var node) && node.Members.FirstOrDefault(member => member.Name == b) is { } member)
        {
            var suspected = member with { Reachable = false };
            node.Become(node.Status, node.Members.Replace(member, suspected));
            node.Raise(new MeshEvent.Suspected(suspected));
        }
    }

    private void TellDowned(MeshMember gone)
    {
        foreach (var node in nodes.Values.Where(node => node.Status == NodeStatus.Member && node.Self != gone.Name))
        {
            if (node.Members.FirstOrDefault(member => member.Name == gone.Name && member.Incarnation == gone.Incarnation) is { } member)
            {
                node.Become(node.Status, node.Members.Remove(member));
                node.Raise(new MeshEvent.Downed(member));
            }
        }
    }
}

internal sealed class FakeMesh(FakeNetwork network, string name, long incarnation) : IMesh
{
    private readonly Channel<Action> inbox = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
    private Task pump = Task.CompletedTask;
    private volatile NodeStatus status = NodeStatus.Joining;

    public MeshMember Me { get; private set; } = new(name, incarnation, "127.0.0.1", "1", true, DateTimeOffset.UnixEpoch);

    public string Self => name;

    public NodeStatus Status => status;

    public ImmutableArray<MeshMember> Members { get; private set; } = [];

    public ImmutableArray<Stranger> Strangers => [];

    public DiscoveryInfo Discovery => new("test", null, [], null, null);

    public event Action<MeshEvent>? Happened;

    public Action<string, ReadOnlyMemory<byte>>? Received { get; set; }

    /// <summary>No cluster is configured.</summary>
    public FakeMesh Alone()
    {
        Become(NodeStatus.Alone, [Me]);
        return this;
    }

    public void Tell(string node, ReadOnlyMemory<byte> payload) => network.Send(name, node, payload);

    public Task StartAsync(CancellationToken stop)
    {
        pump = Task.Run(
            async () =>
            {
                await foreach (var action in inbox.Reader.ReadAllAsync(CancellationToken.None))
                {
                    action();
                }
            },
            CancellationToken.None
        );
        return Task.CompletedTask;
    }

    public Task PromoteAsync(CancellationToken stop)
    {
        Become(NodeStatus.Alone, [Me]);
        Raise(new MeshEvent.Changed());
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        network.Kill(name);
        Stop();
        await pump;
    }

    internal void Become(NodeStatus next, ImmutableArray<MeshMember> members)
    {
        Members = members;
        status = next;
    }

    internal void Renew(long next) => Me = Me with { Incarnation = next };

    internal void Raise(MeshEvent what) => inbox.Writer.TryWrite(() => Happened?.Invoke(what));

    internal void Deliver(string from, ReadOnlyMemory<byte> bytes) => inbox.Writer.TryWrite(() => Received?.Invoke(from, bytes));

    internal void Stop() => inbox.Writer.TryComplete();
}
