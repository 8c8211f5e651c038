using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Livebook.Cluster.Links;
using Microsoft.Extensions.Logging;
using AkkaCluster = Akka.Cluster.Cluster;

namespace Livebook.Cluster.Membership;

/// <summary>What an engine says of itself to probes and to the bootstrap rules.</summary>
/// <param name="Settled">It misses nobody.</param>
/// <param name="Members">Everybody it counts, this node too; empty until it is up.</param>
/// <param name="Missed">Members that are not heard.</param>
internal sealed record EngineState(ProbeStatus Status, bool Settled, ImmutableArray<PeerKey> Members, ImmutableArray<PeerKey> Missed)
{
    public static readonly EngineState None = new(ProbeStatus.None, true, [], []);
}

/// <summary>One life of the ActorSystem. A node that was put out can only come back with another one.</summary>
internal sealed class Engine
{
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(3);

    private readonly ActorSystem system;
    private readonly IActorRef mesh;
    private readonly IPEndPoint self;
    private readonly TaskCompletionSource<string> restart = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Engine(ActorSystem system, IPEndPoint self, MeshMember member, Func<Engine, Props> props)
    {
        this.system = system;
        this.self = self;
        Self = member;
        mesh = system.ActorOf(props(this), MeshActor.Name);
    }

    /// <summary>This node in this life.</summary>
    public MeshMember Self { get; }

    /// <summary>This life is over: what it still says does not count.</summary>
    public bool IsOver
    {
        get;
        private set => Volatile.Write(ref field, value);
    }

    public void Close() => IsOver = true;

    /// <summary>Kept by the mesh actor.</summary>
    public EngineState State
    {
        get;
        set => Volatile.Write(ref field, value);
    } = EngineState.None;

    /// <summary>Members that payloads can be sent to, by name; kept by the mesh actor.</summary>
    public ImmutableDictionary<string, Route> Routes
    {
        get;
        set => Volatile.Write(ref field, value);
    } = ImmutableDictionary<string, Route>.Empty;

    /// <summary>Completes with the reason when this life is over: it was put out, or is to begin anew.</summary>
    public async Task<string> EndedAsync() =>
        await Task.WhenAny(restart.Task, system.WhenTerminated) == restart.Task ? await restart.Task : "put out by the cluster";

    /// <summary>Starts an ActorSystem on the node's port.</summary>
    public static Engine Start(ClusterOptions options, MeshMember member, LinkSetup setup, Func<Engine, Props> props)
    {
        var config = ConfigurationFactory.ParseString(Hocon(options, member, setup.Links.Self));
        var system = ActorSystem.Create(LinkTransport.SystemName, BootstrapSetup.Create().WithConfig(config).And(setup));
        return new(system, setup.Links.Self, member, props);
    }

    public void Join(IEnumerable<IPAddress> seeds)
    {
        MarkJoining();
        AkkaCluster.Get(system).JoinSeedNodes([.. seeds.Select(Address)]);
    }

    public void Found()
    {
        MarkJoining();
        AkkaCluster.Get(system).Join(Address(self.Address));
    }

    public void Tell(object message) => mesh.Tell(message);

    /// <summary>Asks for another life.</summary>
    public void Restart(string why) => restart.TrySetResult(why);

    /// <summary>Sends to a member, in order.</summary>
    public void Send(string node, ReadOnlyMemory<byte> payload)
    {
        if (Routes.GetValueOrDefault(node) is { } route)
        {
            route.Mesh.Tell(new MeshMessage.Payload(Self.Incarnation, route.Incarnation, payload), ActorRefs.NoSender);
        }
    }

    /// <summary>Says goodbye, so that nobody has to find out.</summary>
    public async Task LeaveAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(Farewell);
            await AkkaCluster.Get(system).LeaveAsync(limit.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or AkkaException)
        {
            // Not a member, or the others do not agree in time: they will see the port close.
        }
    }

    public async Task StopAsync()
    {
        await Task.WhenAny(system.Terminate(), Task.Delay(Farewell));
    }

    /// <summary>Where the mesh actor of a member lives.</summary>
    public IActorRef MeshOf(Address address) => ((ExtendedActorSystem)system).Provider.ResolveActorRef(new RootActorPath(address) / "user" / MeshActor.Name);

    private void MarkJoining()
    {
        if (State.Status == ProbeStatus.None)
        {
            State = State with { Status = ProbeStatus.Joining };
        }
    }

    private Address Address(IPAddress ip) => LinkTransport.AddressOf(ip, self.Port, $"akka.{LinkTransport.Scheme}");

    private static string Hocon(ClusterOptions options, MeshMember member, IPEndPoint self)
    {
        var roles = string.Join(", ", Traits.Of(member).Select(role => $"\"{role}\""));
        return string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            akka {
              loglevel = WARNING
              stdout-loglevel = OFF
              log-dead-letters = 0
              log-dead-letters-during-shutdown = off
              loggers = ["{{Name<AkkaLog>()}}"]
              scheduler.tick-duration = 50 ms
              coordinated-shutdown {
                exit-clr = off
                run-by-clr-shutdown-hook = off
                run-by-actor-system-terminate = off
              }
              actor {
                provider = cluster
                serialization-settings.allow-unregistered-types = false
                serializers {
                  mesh = "{{Name<MeshSerializer>()}}"
                  deny = "{{Name<DenySerializer>()}}"
                }
                serialization-bindings {
                  "{{Name<MeshMessage>()}}" = mesh
                  "System.Object" = deny
                }
              }
              remote {
                enabled-transports = ["akka.remote.links"]
                links {
                  transport-class = "{{Name<LinkTransport>()}}"
                  applied-adapters = []
                  hostname = "{{self.Address}}"
                  port = {{self.Port}}
                  maximum-frame-size = 4 MiB
                  connection-timeout = 3 s
                }
                retry-gate-closed-for = 1 s
                log-remote-lifecycle-events = WARNING
              }
              cluster {
                roles = [{{roles}}]
                app-version = "1.0.0"
                seed-nodes = []
                seed-node-timeout = 3 s
                retry-unsuccessful-join-after = 3 s
                periodic-tasks-initial-delay = 250 ms
                gossip-interval = 300 ms
                leader-actions-interval = 300 ms
                unreachable-nodes-reaper-interval = 300 ms
                allow-weakly-up-members = off
                min-nr-of-members = 1
                run-coordinated-shutdown-when-down = on
                downing-provider-class = "Akka.Cluster.NoDowning, Akka.Cluster"
                failure-detector {
                  heartbeat-interval = 500 ms
                  threshold = 8.0
                  min-std-deviation = 200 ms
                  acceptable-heartbeat-pause = 2 s
                  expected-response-after = 1 s
                }
              }
            }
            """
        );
    }

    private static string Name<T>() => $"{typeof(T).FullName}, {typeof(T).Assembly.GetName().Name}";
}

/// <summary>Where to send to a member.</summary>
internal sealed record Route(long Incarnation, IActorRef Mesh);

/// <summary>What a member says of itself travels as Akka roles, so that it is known from the first moment on.</summary>
internal static class Traits
{
    public static IEnumerable<string> Of(MeshMember member) =>
        [
            $"node={Uri.EscapeDataString(member.Name)}",
            $"incarnation={member.Incarnation}",
            $"version={Uri.EscapeDataString(member.Version)}",
            $"started={member.StartedAt.ToUnixTimeMilliseconds()}",
        ];

    /// <summary>Null when the roles are not those of a node.</summary>
    public static MeshMember? Parse(Akka.Cluster.Member member)
    {
        var ip = LinkTransport.IpOf(member.Address);
        return
            ip is not null
            && Text(member, "node") is { } name
            && long.TryParse(Text(member, "incarnation"), CultureInfo.InvariantCulture, out var incarnation)
            && long.TryParse(Text(member, "started"), CultureInfo.InvariantCulture, out var started)
            ? new(name, incarnation, ip.ToString(), Text(member, "version") ?? "", true, DateTimeOffset.FromUnixTimeMilliseconds(started))
            : null;
    }

    private static string? Text(Akka.Cluster.Member member, string trait) =>
        member.Roles.FirstOrDefault(role => role.StartsWith($"{trait}=", StringComparison.Ordinal)) is { } found
            ? Uri.UnescapeDataString(found[(trait.Length + 1)..])
            : null;
}
