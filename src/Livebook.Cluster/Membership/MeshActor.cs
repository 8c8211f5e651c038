using System.Collections.Immutable;
using System.Net;
using Akka.Actor;
using Akka.Cluster;
using Akka.Remote;
using Livebook.Cluster.Discovery;
using Livebook.Cluster.Links;
using Microsoft.Extensions.Logging;
using AkkaCluster = Akka.Cluster.Cluster;

namespace Livebook.Cluster.Membership;

/// <summary>What the mesh actor needs from its host.</summary>
internal sealed record MeshTools(
    MeshPump Pump,
    LinkSwitch Board,
    TimeProvider Time,
    ILogger Logger,
    Func<IPAddress, CancellationToken, Task<Probed>> Probe,
    Action<IPAddress> Welcome
);

/// <summary>
/// The members as one incarnation of this node sees them: keeps its own set from Akka's events (never <c>Cluster.State</c>, which lags behind them),
/// listens for signs of life, and carries out what <see cref="Downing"/> decides.
/// </summary>
internal sealed partial class MeshActor : ReceiveActor, IWithTimers
{
    public const string Name = "mesh";

    /// <summary>A member that was not heard for this long is missed.</summary>
    public static readonly TimeSpan SilenceLimit = TimeSpan.FromSeconds(2.2);

    private static readonly TimeSpan TickEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan PulseEvery = TimeSpan.FromMilliseconds(400);

    /// <summary>Silence after which the port is looked at.</summary>
    private static readonly TimeSpan Doubt = TimeSpan.FromSeconds(1);

    /// <summary>How long the port is looked at again after a connection ended.</summary>
    private static readonly TimeSpan ClosedDoubt = TimeSpan.FromSeconds(2);

    /// <summary>A gap between ticks that means that this process stood still, not the others.</summary>
    private static readonly TimeSpan Stall = TimeSpan.FromSeconds(1);

    private readonly Engine engine;
    private readonly MeshTools tools;
    private readonly PeerKey self;
    private readonly AkkaCluster cluster = AkkaCluster.Get(Context.System);
    private readonly Dictionary<PeerKey, Peer> peers = [];
    private readonly EarlyMail early;
    private readonly IActorRef ownRef = Context.Self;
    private Downing downing = Downing.Start;
    private ImmutableHashSet<PeerKey> givenUp = [];
    private Func<IPAddress, bool> omits = _ => false;
    private bool up;
    private bool minority;
    private long lastTick;
    private long lastPulse;

    public MeshActor(Engine engine, MeshTools tools)
    {
        (this.engine, this.tools) = (engine, tools);
        self = new(engine.Self.Address, engine.Self.Incarnation);
        early = new(tools.Time);
        lastTick = tools.Time.GetTimestamp();

        Receive<ClusterEvent.MemberJoined>(e => See(e.Member));
        Receive<ClusterEvent.MemberUp>(e => See(e.Member));
        Receive<ClusterEvent.MemberDowned>(e => Out(e.Member, "downed"));
        Receive<ClusterEvent.MemberExited>(e => Out(e.Member, "left"));
        // A node that is put out hears that everybody was removed: they live, it is out itself.
        Receive<ClusterEvent.MemberRemoved>(e => Out(e.Member, "removed"), e => e.PreviousStatus is MemberStatus.Down or MemberStatus.Exiting);
        Receive<ClusterEvent.IMemberEvent>(_ => { });
        Receive<ThisActorSystemQuarantinedEvent>(e => Quarantined(e.RemoteAddress));
        Receive<MeshMessage.Payload>(Mail);
        Receive<MeshMessage.Pulse>(Hear);
        Receive<MeshMessage.Yield>(yield =>
        {
            if (peers.Keys.Any(key => key.Incarnation == yield.From))
            {
                engine.Restart("this island yields to a larger one");
            }
        });
        Receive<Tick>(_ => OnTick());
        Receive<Closed>(closed => OnClosed(closed.Address));
        Receive<Checked>(OnChecked);
        Receive<Omissions>(message => omits = message.Omits);
        Receive<GiveUp>(_ => OnGiveUp());
        Receive<YieldIsland>(_ => OnYield());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent));
        Context.System.EventStream.Subscribe(Self, typeof(ThisActorSystemQuarantinedEvent));
        tools.Board.Closed += OnLinkClosed;
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, TickEvery);
    }

    /// <summary>Never restarted alone: its view would be empty while the cluster counts on it.</summary>
    protected override void PreRestart(Exception reason, object message)
    {
        LogFailed(tools.Logger, reason);
        engine.Restart("an error in the mesh");
        base.PreRestart(reason, message);
    }

    protected override void PostStop() => tools.Board.Closed -= OnLinkClosed;

    private void OnLinkClosed(IPAddress address) => ownRef.Tell(new Closed(address));

    private void See(Member akka)
    {
        if (Traits.Parse(akka) is not { } info)
        {
            return;
        }
        var key = new PeerKey(info.Address, info.Incarnation);
        if (!peers.TryGetValue(key, out var peer))
        {
            peers[key] = peer = new(key, info, akka.Address, key == self ? ownRef : engine.MeshOf(akka.Address)) { Heard = tools.Time.GetTimestamp() };
            Pulse();
        }
        peer.IsUp |= akka.Status == MemberStatus.Up;
        if (key == self && peer.IsUp && !up)
        {
            up = true;
            AnnounceAll();
        }
        else if (up && peer.IsUp && !peer.Announced)
        {
            Announce(peer);
        }
        Publish();
    }

    /// <summary>This node first, then whoever is up already.</summary>
    private void AnnounceAll()
    {
        Announce(peers[self]);
        foreach (var peer in peers.Values.Where(peer => peer.IsUp && peer.Key != self).OrderBy(peer => peer.Info.Name, StringComparer.Ordinal))
        {
            Announce(peer);
        }
    }

    private void Announce(Peer peer)
    {
        peer.Announced = true;
        Publish();
        LogUp(tools.Logger, peer.Info.Name, peer.Info.Version);
        Raise(new MeshEvent.Up(peer.Info));
        if (peer.Key == self)
        {
            return;
        }
        tools.Welcome(IPAddress.Parse(peer.Info.Address));
        foreach (var payload in early.Take(peer.Key.Incarnation))
        {
            tools.Pump.Deliver(peer.Info.Name, payload, engine);
        }
    }

    private void Out(Member akka, string how)
    {
        if (Traits.Parse(akka) is not { } info)
        {
            return;
        }
        var key = new PeerKey(info.Address, info.Incarnation);
        if (key == self)
        {
            SelfOut(akka.Status);
            return;
        }
        if (!peers.Remove(key, out var peer))
        {
            return;
        }
        tools.Board.Forget(key);
        givenUp = givenUp.Remove(key);
        Publish();
        if (peer.Announced)
        {
            LogOut(tools.Logger, info.Name, how);
            Raise(new MeshEvent.Downed(peer.Info with { Reachable = false }));
        }
        Judge();
    }

    private void SelfOut(MemberStatus status)
    {
        if (status == MemberStatus.Down)
        {
            engine.Restart("the cluster has put this node out");
        }
    }

    /// <summary>Somebody of the cluster put this incarnation out. Those whom this node put out itself do not count.</summary>
    private void Quarantined(Address by)
    {
        if (peers.Values.Any(peer => LinkTransport.IpOf(by)?.ToString() == peer.Info.Address))
        {
            engine.Restart("the cluster has put this node out");
        }
    }

    private void Mail(MeshMessage.Payload payload)
    {
        if (payload.To != self.Incarnation)
        {
            return;
        }
        var sender = peers.Values.FirstOrDefault(peer => peer.Key.Incarnation == payload.From);
        if (sender is { Announced: true })
        {
            tools.Pump.Deliver(sender.Info.Name, payload.Bytes, engine);
        }
        else
        {
            // The sender's gossip was faster than ours.
            early.Keep(payload);
        }
    }

    private void Hear(MeshMessage.Pulse pulse)
    {
        if (peers.Values.FirstOrDefault(peer => peer.Key.Incarnation == pulse.From) is not { } sender)
        {
            return;
        }
        sender.Heard = tools.Time.GetTimestamp();
        sender.Report = new(Keys(pulse.Heard), Keys(pulse.Dead));
        foreach (var dead in sender.Report.Dead.Where(peers.ContainsKey))
        {
            Check(peers[dead]);
        }
        Judge();
    }

    private ImmutableHashSet<PeerKey> Keys(ImmutableArray<long> incarnations) => [.. peers.Keys.Where(key => incarnations.Contains(key.Incarnation))];

    private void OnTick()
    {
        var now = tools.Time.GetTimestamp();
        var gap = tools.Time.GetElapsedTime(lastTick, now);
        lastTick = now;
        if (gap > Stall)
        {
            foreach (var peer in peers.Values)
            {
                peer.Heard = now;
            }
        }
        foreach (var peer in Others())
        {
            peer.Heard = Math.Max(peer.Heard, tools.Board.LastHeard(peer.Key));
            if (Silence(peer) > Doubt || peer.Dead || tools.Time.GetElapsedTime(peer.ClosedAt, now) < ClosedDoubt)
            {
                Check(peer);
            }
        }
        if (tools.Time.GetElapsedTime(lastPulse, now) >= PulseEvery)
        {
            Pulse();
        }
        Judge();
    }

    private void OnClosed(IPAddress address)
    {
        foreach (var peer in Others().Where(peer => peer.Info.Address == address.ToString()))
        {
            peer.ClosedAt = tools.Time.GetTimestamp();
            Check(peer);
        }
    }

    /// <summary>Looks at the port of a member that may be dead; one look at a time.</summary>
    private void Check(Peer peer)
    {
        if (peer.Checking || peer.Key == self)
        {
            return;
        }
        peer.Checking = true;
        tools
            .Probe(IPAddress.Parse(peer.Info.Address), CancellationToken.None)
            .PipeTo(ownRef, success: probed => new Checked(peer.Key, probed), failure: _ => new Checked(peer.Key, null));
    }

    private void OnChecked(Checked look)
    {
        if (!peers.TryGetValue(look.Key, out var peer))
        {
            return;
        }
        peer.Checking = false;
        var dead = look.Probed switch
        {
            { Outcome: ProbeOutcome.Refused } => true,
            // A later incarnation: this one is over. Unless it went on without us; then it is we who are out.
            { Outcome: ProbeOutcome.Answered, Reply: { } reply } when look.Probed.Incarnation != look.Key.Incarnation => reply.Status
                is ProbeStatus.None
                    or ProbeStatus.Joining
                || reply.Members.Contains(self),
            _ => false,
        };
        if (dead != peer.Dead)
        {
            peer.Dead = dead;
            Pulse();
        }
        Judge();
    }

    private void OnGiveUp()
    {
        if (minority)
        {
            givenUp = [.. Others().Where(Missed).Select(peer => peer.Key)];
            Judge();
        }
    }

    private void OnYield()
    {
        foreach (var peer in Others())
        {
            peer.Mesh.Tell(new MeshMessage.Yield(self.Incarnation));
        }
        engine.Restart("this island yields to a larger one");
    }

    private void Pulse()
    {
        lastPulse = tools.Time.GetTimestamp();
        var others = Others().ToList();
        var pulse = new MeshMessage.Pulse(
            self.Incarnation,
            [.. others.Where(peer => !Missed(peer) && !peer.Dead).Select(peer => peer.Key.Incarnation)],
            [.. others.Where(peer => peer.Dead).Select(peer => peer.Key.Incarnation)]
        );
        foreach (var peer in others)
        {
            peer.Mesh.Tell(pulse);
        }
    }

    /// <summary>Tells who is suspected, and does what the rules say.</summary>
    private void Judge()
    {
        foreach (var peer in Others().Where(peer => peer.Announced && Missed(peer) == peer.Info.Reachable))
        {
            peer.Info = peer.Info with { Reachable = !peer.Info.Reachable };
            Publish();
            LogReach(tools.Logger, peer.Info.Name, peer.Info.Reachable ? "answers again" : "does not answer");
            Raise(peer.Info.Reachable ? new MeshEvent.Trusted(peer.Info) : new MeshEvent.Suspected(peer.Info));
        }
        if (!up)
        {
            return;
        }
        (downing, var verdict) = downing.Next(Sight());
        switch (verdict)
        {
            case Verdict.Down down:
                foreach (var key in down.Members.Where(key => !peers[key].Downing))
                {
                    peers[key].Downing = true;
                    LogDown(tools.Logger, peers[key].Info.Name, down.Why);
                    cluster.Down(peers[key].Address);
                }
                break;
            case Verdict.Lose when !minority:
                minority = true;
                Publish();
                LogMinority(tools.Logger);
                Raise(new MeshEvent.Expelled());
                break;
            case Verdict.Wait when minority && Others().All(peer => !Missed(peer)):
                minority = false;
                LogRegained(tools.Logger);
                AnnounceAll();
                break;
        }
        Publish();
    }

    private Sight Sight()
    {
        var others = Others().ToList();
        return new(
            tools.Time.GetElapsedTime(0),
            self,
            [.. peers.Keys],
            [.. peers.Values.Where(peer => peer.IsUp).Select(peer => peer.Key)],
            [.. others.Where(peer => !Missed(peer)).Select(peer => peer.Key)],
            [.. others.Where(peer => peer.Dead).Select(peer => peer.Key)],
            others.Where(peer => !Missed(peer) && peer.Report is not null).ToImmutableDictionary(peer => peer.Key, peer => peer.Report!),
            [.. others.Where(peer => omits(IPAddress.Parse(peer.Info.Address))).Select(peer => peer.Key)],
            givenUp
        );
    }

    private IEnumerable<Peer> Others() => peers.Values.Where(peer => peer.Key != self);

    private TimeSpan Silence(Peer peer) => tools.Time.GetElapsedTime(peer.Heard);

    private bool Missed(Peer peer) => Silence(peer) > SilenceLimit;

    private void Publish()
    {
        var status =
            !up ? engine.State.Status
            : minority ? ProbeStatus.Minority
            : ProbeStatus.Up;
        ImmutableArray<PeerKey> missed = [.. Others().Where(peer => Missed(peer) || peer.Dead).Select(peer => peer.Key)];
        engine.State = new(status, missed.IsEmpty, up ? [.. peers.Keys] : [], missed);
        engine.Routes = peers
            .Values.Where(peer => peer.Announced && peer.Key != self)
            .ToImmutableDictionary(peer => peer.Info.Name, peer => new Route(peer.Key.Incarnation, peer.Mesh));
    }

    private void Raise(MeshEvent happened)
    {
        ImmutableArray<MeshMember> members = up
            ? [peers[self].Info, .. Others().Where(peer => peer.Announced).Select(peer => peer.Info).OrderBy(info => info.Name, StringComparer.Ordinal)]
            : [];
        var status =
            !up ? NodeStatus.Joining
            : minority ? NodeStatus.Minority
            : Others().Any(peer => peer.IsUp) ? NodeStatus.Member
            : NodeStatus.Alone;
        tools.Pump.Change(view => view with { Status = status, Members = members }, happened, engine);
    }

    private sealed class Peer(PeerKey key, MeshMember info, Address address, IActorRef mesh)
    {
        public PeerKey Key => key;
        public MeshMember Info { get; set; } = info;
        public Address Address => address;
        public IActorRef Mesh => mesh;
        public bool IsUp { get; set; }
        public bool Announced { get; set; }
        public long Heard { get; set; }
        public long ClosedAt { get; set; } = long.MinValue / 2;
        public bool Checking { get; set; }
        public bool Dead { get; set; }
        public bool Downing { get; set; }
        public Report? Report { get; set; }
    }

    /// <summary>Discovery's newest word on whom it leaves out.</summary>
    public sealed record Omissions(Func<IPAddress, bool> Omits);

    /// <summary>An operator says that whoever is missed is gone.</summary>
    public sealed record GiveUp
    {
        public static readonly GiveUp Instance = new();
    }

    /// <summary>The bootstrap rules say that this island yields.</summary>
    public sealed record YieldIsland
    {
        public static readonly YieldIsland Instance = new();
    }

    private sealed record Tick
    {
        public static readonly Tick Instance = new();
    }

    private sealed record Closed(IPAddress Address);

    private sealed record Checked(PeerKey Key, Probed? Probed);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Node} is up (version {Version})")]
    private static partial void LogUp(ILogger logger, string node, string version);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Node} is out ({How})")]
    private static partial void LogOut(ILogger logger, string node, string how);

    [LoggerMessage(Level = LogLevel.Error, Message = "The mesh failed")]
    private static partial void LogFailed(ILogger logger, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Node} {How}")]
    private static partial void LogReach(ILogger logger, string node, string how);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Putting {Node} out: {Why}")]
    private static partial void LogDown(ILogger logger, string node, string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Cut off from the majority: read only")]
    private static partial void LogMinority(ILogger logger);

    [LoggerMessage(Level = LogLevel.Information, Message = "Back with the majority")]
    private static partial void LogRegained(ILogger logger);
}
