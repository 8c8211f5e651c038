using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Akka.Actor;
using Livebook.Cluster.Discovery;
using Livebook.Cluster.Links;
using Microsoft.Extensions.Logging;

namespace Livebook.Cluster.Membership;

/// <summary>
/// The mesh over Akka's membership. Owns the port and the rounds of discovery, and gives the node another ActorSystem whenever it was put out:
/// the process lives on.
/// </summary>
internal sealed partial class AkkaMesh : IMesh
{
    private static readonly TimeSpan StartAgain = TimeSpan.FromSeconds(1);

    private readonly ClusterOptions options;
    private readonly ILoggerFactory loggers;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly MeshPump pump;
    private readonly StrangerList strangers;
    private readonly DateTimeOffset startedAt;
    private readonly CancellationTokenSource stopping = new();
    private NodeLinks? links;
    private LinkSwitch? board;
    private Rounds? rounds;
    private Prober? prober;
    private EcsApi? ecs;
    private Task hosting = Task.CompletedTask;
    private volatile Engine? engine;
    private int disposed;

    public AkkaMesh(ClusterOptions options, ILoggerFactory loggers, TimeProvider time)
    {
        (this.options, this.loggers, this.time) = (options, loggers, time);
        logger = loggers.CreateLogger("Livebook.Cluster");
        startedAt = time.GetUtcNow();
        strangers = new(time, logger);
        var status = options.IsClustered ? NodeStatus.Joining : NodeStatus.Alone;
        var mode =
            options.DnsQuery is not null ? "dns"
            : options.Ecs is not null ? "ecs"
            : "none";
        pump = new(new(status, [], [], new(mode, options.DnsQuery ?? options.Ecs?.Service ?? options.Ecs?.Family, [], null, null)), logger);
    }

    public string Self => options.Node;

    public NodeStatus Status => pump.View.Status;

    public ImmutableArray<MeshMember> Members => pump.View.Members;

    public ImmutableArray<Stranger> Strangers => pump.View.Strangers;

    public DiscoveryInfo Discovery => pump.View.Discovery;

    public event Action<MeshEvent>? Happened
    {
        add => pump.Happened += value;
        remove => pump.Happened -= value;
    }

    public Action<string, ReadOnlyMemory<byte>>? Received
    {
        get => pump.Received;
        set => pump.Received = value;
    }

    public void Tell(string node, ReadOnlyMemory<byte> payload)
    {
        if (payload.Length > IMesh.MaximumBytes)
        {
            throw new ArgumentException($"A message has at most {IMesh.MaximumBytes} bytes, this one {payload.Length}: send it in pieces.", nameof(payload));
        }
        if (node == Self)
        {
            pump.Deliver(Self, payload);
            return;
        }
        engine?.Send(node, payload);
    }

    /// <exception cref="ArgumentException">The options cannot work.</exception>
    /// <exception cref="IOException">The port cannot be opened.</exception>
    public async Task StartAsync(CancellationToken stop)
    {
        if (!options.IsClustered)
        {
            var self = NewMember(NodeName.AddressOf(options.Node)?.ToString() ?? "");
            pump.Change(view => view with { Members = [self] }, new MeshEvent.Up(self));
            pump.Start();
            return;
        }
        var address = CheckedAddress();
        var identities = await Task.Run(
            () => new Identities(Identity.FromCookie(options.Cookie), options.PreviousCookie is { } previous ? Identity.FromCookie(previous) : null),
            stop
        );
        board = new(time);
        links = new(new(address, options.Port), identities, time, logger)
        {
            Greeting = () =>
                new(
                    options.Protocols.Lowest,
                    options.Protocols.Highest,
                    options.ClusterName ?? NodeName.BaseOf(options.Node),
                    options.Node,
                    engine?.Self.Incarnation ?? 0,
                    string.Join(' ', options.KeyIds)
                ),
            Accepted = AcceptAsync,
            Refused = OnRefused,
        };
        links.Start();
        prober = new(links);
        rounds = new(address, NewHints(), new(options.DataPath), prober.ProbeAsync, strangers, pump, time, logger);
        pump.Start();
        hosting = HostAsync(address, links, rounds);
    }

    public async Task PromoteAsync(CancellationToken stop)
    {
        if (rounds is null)
        {
            return;
        }
        rounds.Former = [];
        if (Status != NodeStatus.Minority)
        {
            return;
        }
        LogPromoted(logger);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Happened += Look;
        try
        {
            engine?.Tell(MeshActor.GiveUp.Instance);
            Look(null);
            await done.Task.WaitAsync(stop);
        }
        finally
        {
            Happened -= Look;
        }

        void Look(MeshEvent? _)
        {
            if (Status != NodeStatus.Minority)
            {
                done.TrySetResult();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0)
        {
            return;
        }
        await stopping.CancelAsync();
        await hosting;
        if (links is not null)
        {
            await links.DisposeAsync();
        }
        ecs?.Dispose();
        await pump.DisposeAsync();
        stopping.Dispose();
    }

    /// <summary>One life after the other, until the mesh is disposed.</summary>
    private async Task HostAsync(IPAddress address, NodeLinks links, Rounds rounds)
    {
        while (!stopping.IsCancellationRequested)
        {
            Engine life;
            try
            {
                life = await Task.Run(() => StartEngine(address, links));
            }
            catch (Exception e)
            {
                LogStartFailed(logger, e);
                await Task.Delay(StartAgain, time, stopping.Token).ContinueWith(_ => { }, TaskScheduler.Default);
                continue;
            }
            engine = life;
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
            var steering = rounds.RunAsync(life, ending.Token);
            var ended = life.EndedAsync();
            var stopped = Task.Delay(Timeout.Infinite, stopping.Token);
            await Task.WhenAny(ended, stopped, steering);
            await ending.CancelAsync();
            await steering;
            if (stopping.IsCancellationRequested)
            {
                await life.LeaveAsync();
                life.Close();
                engine = null;
            }
            else
            {
                Over(life, await ended, rounds);
            }
            await life.StopAsync();
        }
    }

    private void Over(Engine life, string why, Rounds rounds)
    {
        life.Close();
        engine = null;
        var last = life.State;
        rounds.Former = [.. rounds.Former, .. last.Members.Where(key => key.Incarnation != life.Self.Incarnation).Select(key => IPAddress.Parse(key.Address))];
        LogOver(logger, why);
        // Whoever was in the minority was told already.
        MeshEvent happened = last.Status == ProbeStatus.Up ? new MeshEvent.Expelled() : new MeshEvent.Changed();
        pump.Change(view => view with { Status = NodeStatus.Joining, Members = [] }, happened);
    }

    private IHints NewHints()
    {
        if (options.DnsQuery is { } query)
        {
            return new DnsHints(query, options.Ipv6, options.DnsServer);
        }
        ecs = new(options.Ecs!, time);
        return new EcsHints(ecs, options.Ipv6, time);
    }

    private Engine StartEngine(IPAddress address, NodeLinks links) =>
        Engine.Start(
            options,
            NewMember(address.ToString()),
            new(links, board!, loggers.CreateLogger("Akka")),
            life => Props.Create(() => new MeshActor(life, new(pump, board!, time, logger, prober!.ProbeAsync, OnWelcome)))
        );

    private MeshMember NewMember(string address) =>
        new(
            options.Node,
            (time.GetUtcNow().ToUnixTimeMilliseconds() << 20) | (uint)RandomNumberGenerator.GetInt32(1 << 20),
            address,
            options.Version,
            true,
            startedAt
        );

    private async Task AcceptAsync(OpenLink link, CancellationToken stop)
    {
        if (link.Kind == LinkKind.Probe)
        {
            rounds?.Called(link.Address);
            var state = engine?.State ?? EngineState.None;
            await Prober.AnswerAsync(link, new(state.Status, state.Settled, state.Members), stop);
            return;
        }
        if (!board!.TryAccept(link))
        {
            await LinkTransport.RejectAsync(link);
        }
    }

    private void OnRefused(IPAddress address, string reason)
    {
        if (Members.Any(member => member.Address == address.ToString()))
        {
            LogOddCaller(logger, address, reason);
        }
        else if (strangers.Note(address, reason))
        {
            rounds?.ShowStrangers();
        }
    }

    private void OnWelcome(IPAddress address)
    {
        if (strangers.Forget(address))
        {
            rounds?.ShowStrangers();
        }
    }

    private IPAddress CheckedAddress()
    {
        if (NodeName.AddressOf(options.Node) is not { } address)
        {
            throw new ArgumentException($"LIVEBOOK_NODE must be name@IP-address in a cluster, not \"{options.Node}\".");
        }
        if (address.AddressFamily == AddressFamily.InterNetworkV6 != options.Ipv6)
        {
            throw new ArgumentException($"LIVEBOOK_NODE's address {address} and discovery by {(options.Ipv6 ? "AAAA" : "A")} records do not go together.");
        }
        if (options.Cookie.Length == 0)
        {
            throw new ArgumentException("LIVEBOOK_COOKIE must be set in a cluster, to the same value on every node.");
        }
        return address;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The cluster engine did not start; trying again")]
    private static partial void LogStartFailed(ILogger logger, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Joining anew: {Why}")]
    private static partial void LogOver(ILogger logger, string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Promoted by an operator: whoever does not answer counts as gone")]
    private static partial void LogPromoted(ILogger logger);

    [LoggerMessage(Level = LogLevel.Debug, Message = "A caller from a member's address {Address} was not let in: {Reason}")]
    private static partial void LogOddCaller(ILogger logger, IPAddress address, string reason);
}
