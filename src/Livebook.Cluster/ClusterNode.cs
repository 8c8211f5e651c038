using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using Livebook.Cluster.Logs;
using Livebook.Cluster.Membership;
using Livebook.Cluster.Messaging;
using Microsoft.Extensions.Logging;

namespace Livebook.Cluster;

/// <summary>One node: membership below (<see cref="IMesh"/>), messages and logs here, the host above.</summary>
public sealed class ClusterNode : ICluster
{
    /// <summary>Name of the meter of what happens between nodes.</summary>
    public const string MeterName = "Livebook.Cluster";

    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(100);

    private readonly IMesh mesh;
    private readonly TimeProvider time;
    private readonly ILogger log;
    private readonly Loop loop;
    private readonly Loop listening;
    private readonly Messenger messenger;
    private readonly LogKeeper keeper;
    private readonly Meter meter = new(MeterName);
    private readonly Dictionary<string, MeshMember> peers = [];

    /// <summary>Members that messages can be sent to; the mesh knows a new one a moment earlier.</summary>
    private ImmutableHashSet<string> linked = [];
    private long incarnation;
    private ITimer? timer;
    private int ended;
    private bool draining;

    internal ClusterNode(ClusterOptions options, IMesh mesh, ILoggerFactory loggers, TimeProvider time)
    {
        this.mesh = mesh;
        this.time = time;
        log = loggers.CreateLogger("Livebook.Cluster");
        loop = new Loop(log, AfterBatch);
        listening = new Loop(log, () => { });
        messenger = new Messenger(mesh, loop, listening, time, log, (from, bytes) => keeper!.OnMessage(from, bytes));
        keeper = new LogKeeper(options, mesh, loop, (node, stream, message) => messenger.TellInternal(node, stream, message.Encode()), time, log);
        meter.CreateObservableGauge("livebook.cluster.queue", () => loop.Pending, "{action}", "What waits for the node's loop");
        meter.CreateObservableGauge(
            "livebook.cluster.unconfirmed",
            () => messenger.UnconfirmedBytes,
            "By",
            "Bytes sent to other nodes that they have not confirmed"
        );
    }

    /// <summary>Makes a node on the real engine; <see cref="ICluster.StartAsync"/> starts it.</summary>
    public static ClusterNode Create(ClusterOptions options, ILoggerFactory loggers, TimeProvider time) =>
        new(options, new AkkaMesh(options, loggers, time), loggers, time);

    public event Action? Changed;

    public string Self => mesh.Self;

    public NodeStatus Status => mesh.Status;

    public ImmutableArray<MemberInfo> Members =>
        [.. Linked.Select(member => new MemberInfo(member.Name, member.Address, member.Version, StatusOf(member), member.StartedAt))];

    private string StatusOf(MeshMember member) =>
        !member.Reachable ? "unreachable"
        : keeper.Draining.Contains(member.Name) ? "draining"
        : "up";

    private IEnumerable<MeshMember> Linked
    {
        get
        {
            var now = Volatile.Read(ref linked);
            return mesh.Members.Where(member => member.Name == Self || now.Contains(member.Name));
        }
    }

    public ImmutableArray<Stranger> Strangers => mesh.Strangers;

    public DiscoveryInfo Discovery => mesh.Discovery;

    public ImmutableDictionary<string, LogEntryInfo> Logs => keeper.Registry.Logs;

    public ImmutableDictionary<string, LogEntryInfo> Away => keeper.Registry.Away;

    public bool IsDraining => Volatile.Read(ref draining);

    public bool MayExist(string id) => !keeper.IsInformed || keeper.Registry.Undecided.Contains(id) || Away.ContainsKey(id);

    private IEnumerable<MeshMember> Fit
    {
        get
        {
            var draining = keeper.Draining;
            return Linked.Where(member => member.Reachable && !draining.Contains(member.Name));
        }
    }

    public string PlaceFor(string id) => Fit.Select(member => member.Name).OrderByDescending(node => LogKeeper.Preference(id, node)).FirstOrDefault(Self);

    public void BeginDrain()
    {
        Volatile.Write(ref draining, true);
        loop.Post(keeper.BeginDrain);
    }

    public string LeastLoaded()
    {
        var counts = Logs.Values.CountBy(entry => entry.Owner).ToDictionary();
        return Fit.OrderBy(member => counts.GetValueOrDefault(member.Name))
            .ThenBy(member => member.Name != Self)
            .Select(member => member.Name)
            .FirstOrDefault(Self);
    }

    public Task<IOwnedLog> CreateAsync(string id, ReadOnlyMemory<byte> snapshot, ReadOnlyMemory<byte> info, CancellationToken stop) =>
        keeper.CreateAsync(id, snapshot, info, stop);

    public void Handle(string channel, Func<string, ReadOnlyMemory<byte>, CancellationToken, Task<ReadOnlyMemory<byte>>> handler) =>
        messenger.Handle(channel, handler);

    public void Listen(string channel, Action<string, ReadOnlyMemory<byte>> listener) => messenger.Listen(channel, listener);

    public Task<ReadOnlyMemory<byte>> RequestAsync(string node, string channel, ReadOnlyMemory<byte> payload, CancellationToken stop) =>
        messenger.RequestAsync(node, channel, payload, stop);

    public void Tell(string node, string channel, ReadOnlyMemory<byte> payload) => messenger.Tell(node, channel, payload);

    public async Task PromoteAsync(CancellationToken stop)
    {
        await loop.AskAsync(() =>
        {
            keeper.OnPromoted();
            return true;
        });
        await mesh.PromoteAsync(stop);
    }

    public async Task StartAsync(ILogHost host, CancellationToken stop)
    {
        keeper.Begin(host);
        loop.Start();
        listening.Start();
        await keeper.LoadAsync();
        mesh.Received = (from, bytes) => loop.Post(() => messenger.Receive(from, bytes));
        mesh.Happened += what => loop.Post(() => On(what));
        await mesh.StartAsync(stop);
        loop.Post(OnStarted);
        timer = time.CreateTimer(_ => loop.Post(Tick), null, TickInterval, TickInterval);
    }

    public ValueTask DisposeAsync() => EndAsync(killed: false);

    /// <summary>Ends as a killed process would: nothing more is written or said.</summary>
    internal ValueTask KillAsync() => EndAsync(killed: true);

    public Task HandOverAsync(string id, CancellationToken stop) => keeper.HandOverAsync(id, stop);

    /// <summary>What this node's copy of a log holds now; null: it has none.</summary>
    internal Task<LogContents?> ReadAsync(string id) => keeper.ReadAsync(id);

    private async ValueTask EndAsync(bool killed)
    {
        if (Interlocked.Exchange(ref ended, 1) != 0)
        {
            return;
        }
        if (timer is not null)
        {
            await timer.DisposeAsync();
            await keeper.StopAsync(killed);
            await loop.AskAsync(() =>
            {
                messenger.Stop();
                return true;
            });
        }
        await mesh.DisposeAsync();
        await loop.DisposeAsync();
        await listening.DisposeAsync();
        meter.Dispose();
    }

    private void AfterBatch()
    {
        if (keeper.Flush())
        {
            Raise();
        }
        messenger.Flush();
    }

    private void Tick()
    {
        messenger.Tick();
        keeper.Tick();
    }

    /// <summary>The mesh may have been a member before anybody listened here.</summary>
    private void OnStarted()
    {
        if (mesh.Members.FirstOrDefault(member => member.Name == Self) is { } self)
        {
            BecomeMember(self);
        }
        keeper.OnStatus();
        Raise();
    }

    private void On(MeshEvent what)
    {
        switch (what)
        {
            case MeshEvent.Up up when up.Member.Name == Self:
                BecomeMember(up.Member);
                break;
            case MeshEvent.Up up:
                Connect(up.Member);
                break;
            case MeshEvent.Suspected suspected:
                keeper.OnReachability(suspected.Member);
                break;
            case MeshEvent.Trusted trusted:
                keeper.OnReachability(trusted.Member);
                break;
            case MeshEvent.Downed downed:
                if (peers.TryGetValue(downed.Member.Name, out var known) && known.Incarnation == downed.Member.Incarnation)
                {
                    Disconnect(downed.Member.Name);
                    keeper.OnPeerDowned(downed.Member.Name);
                }
                break;
            case MeshEvent.Expelled:
                DisconnectAll();
                incarnation = 0;
                keeper.OnExpelled();
                break;
        }
        keeper.OnStatus();
        Raise();
    }

    /// <summary>A new incarnation of this node knows nothing about others. The same one again (told twice) keeps its links: the other ends keep theirs.</summary>
    private void BecomeMember(MeshMember self)
    {
        if (self.Incarnation != incarnation)
        {
            DisconnectAll();
            incarnation = self.Incarnation;
            keeper.OnSelfUp();
        }
        foreach (var member in mesh.Members.Where(member => member.Name != Self))
        {
            Connect(member);
        }
    }

    private void Connect(MeshMember member)
    {
        if (peers.TryGetValue(member.Name, out var known))
        {
            if (known.Incarnation == member.Incarnation)
            {
                return;
            }
            Disconnect(member.Name);
            keeper.OnPeerDowned(member.Name);
        }
        if (incarnation != 0)
        {
            peers[member.Name] = member;
            messenger.Connect(member.Name, member.Incarnation, incarnation);
            linked = linked.Add(member.Name);
            keeper.OnPeerUp(member);
        }
    }

    private void Disconnect(string node)
    {
        peers.Remove(node);
        linked = linked.Remove(node);
        messenger.Disconnect(node);
    }

    private void DisconnectAll() => peers.Keys.ToList().ForEach(Disconnect);

    private void Raise()
    {
        try
        {
            Changed?.Invoke();
        }
        catch (Exception error)
        {
            log.LogError(error, "A listener for changes of the cluster failed.");
        }
    }
}
