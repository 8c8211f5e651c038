using System.Diagnostics;
using Livebook.Drill.Load;
using Livebook.Drill.Nodes;
using Livebook.Faults;

namespace Livebook.Drill.Faults;

/// <summary>Makes faults happen to the nodes of a session under load, and mends them: behind each the cluster is whole again.</summary>
public sealed class Nemesis(DrillCluster cluster, Watcher watcher, SessionRun load)
{
    private static readonly TimeSpan Half = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan DetectionPatience = TimeSpan.FromSeconds(30);
    private const int EditsBetween = 3;

    private long? _startedAt;

    /// <summary>What must not happen during a fault and did; the end of the load tells the rest.</summary>
    public List<string> Violations { get; } = [];

    /// <summary>The only node whose process may be ended; null: every node's.</summary>
    public Node? Mortal { get; init; }

    /// <summary>Waits until everything is in order, makes the fault happen, mends it, and waits until everything is in order again.</summary>
    /// <exception cref="TimeoutException">It did not come in order again.</exception>
    public async Task<Measure> ApplyAsync(Fault fault, CancellationToken stop)
    {
        var before = await UntilAgreedAsync(stop);
        await load.UntilTypedAsync(EditsBetween, before.Epoch, stop);
        fault = AsItIs(fault, before);
        var at = Stopwatch.GetTimestamp();
        TimeSpan? detection;
        _startedAt = null;
        try
        {
            detection = await HappenAsync(fault, before, at, stop);
        }
        finally
        {
            // A row's own answers of DNS stay until the node is back.
            if (fault is not Fault.Rejoin)
                cluster.Heal();
        }
        await cluster.UntilWholeAsync(stop);
        var rejoined = _startedAt is { } startedAt ? Stopwatch.GetElapsedTime(startedAt) : (TimeSpan?)null;
        cluster.Heal();
        var after = await UntilAgreedAsync(stop);
        await load.UntilTypedAsync(EditsBetween, after.Epoch, stop);
        var moved = after.Epoch > before.Epoch;
        return new Measure(
            fault,
            detection,
            moved ? load.History.FirstAcknowledgedAfter(at, before.Epoch + 1) : null,
            load.History.LongestWaitSince(at),
            after.Epoch - before.Epoch
        )
        {
            Rejoined = rejoined,
        };
    }

    private async Task<TimeSpan?> HappenAsync(Fault fault, Place place, long at, CancellationToken stop)
    {
        switch (fault)
        {
            case Fault.Kill(var target):
                return await KillAsync(VictimOf(target, place), place, at, stop);
            case Fault.KillAll:
                await Task.WhenAll(cluster.Nodes.Select(node => node.KillAsync()));
                await Task.WhenAll(cluster.Nodes.Select(node => node.StartAsync(stop)));
                return null;
            case Fault.Freeze(var target, var seconds):
                return await FreezeAsync(NodeOf(target, place), place, at, seconds, stop);
            case Fault.Stop(var target):
                return await StopAsync(VictimOf(target, place), at, stop);
            case Fault.Rejoin(var target):
                return await StopAsync(VictimOf(target, place), at, stop);
            case Fault.Split(var seconds):
                return await SplitAsync(place, at, seconds, stop);
            case Fault.KillRuntime:
                KillRuntimes(cluster.Named(place.Owner));
                return null;
            case Fault.Isolate(var target, var seconds):
                return await IsolateAsync(NodeOf(target, place), at, seconds, stop);
            case Fault.CutOneWay(var from, var to, var seconds):
                cluster.SetLink(NodeOf(from, place), NodeOf(to, place), new LinkFault(Cut: true));
                await PassedByAsync(seconds, place, stop);
                return null;
            case Fault.CutPair(var one, var two, var seconds):
                cluster.SetLink(NodeOf(one, place), NodeOf(two, place), new LinkFault(Cut: true));
                cluster.SetLink(NodeOf(two, place), NodeOf(one, place), new LinkFault(Cut: true));
                await PassedByAsync(seconds, place, stop);
                return null;
            case Fault.Flap(var target, var seconds):
                for (var turn = 0; turn < seconds; turn++)
                {
                    SetLinks(NodeOf(target, place), new LinkFault(Cut: true));
                    await Task.Delay(Half, stop);
                    SetLinks(NodeOf(target, place), default);
                    await Task.Delay(Half, stop);
                }
                return null;
            case Fault.SlowNet(var seconds):
                foreach (var node in cluster.Nodes)
                    SetLinks(node, new LinkFault(Cut: false, DelayMilliseconds: 300, BytesPerSecond: 64 * 1024, LossPermille: 50));
                for (var left = seconds; left > 0; left -= 2)
                {
                    await Task.Delay(TimeSpan.FromSeconds(Math.Min(2, left)), stop);
                    // Most of what users ask is on its way, and is asked again.
                    cluster.Balancer.CutAll();
                }
                return null;
            case Fault.FlapDns(var seconds):
                for (var turn = 0; turn < seconds; turn++)
                {
                    if (turn % 2 == 0)
                        cluster.Dns.Fail(3);
                    else
                        cluster.Dns.Answer(cluster.Addresses);
                    await Task.Delay(2 * Half, stop);
                }
                return null;
            case Fault.SilenceDns(var seconds):
                cluster.Dns.FallSilent();
                await Task.Delay(TimeSpan.FromSeconds(seconds), stop);
                return null;
            case Fault.CutSockets:
                cluster.Balancer.CutAll();
                return null;
            default:
                throw new UnreachableException();
        }
    }

    private Task<Place> UntilAgreedAsync(CancellationToken stop) => cluster.Nodes.UntilAgreedAsync(load.Session, stop, cluster.Replicates);

    private Node NodeOf(Target target, Place place) =>
        target switch
        {
            Target.Owner => cluster.Named(place.Owner),
            Target.Standby when place.Standby is { } standby => cluster.Named(standby),
            _ => cluster.Nodes.FirstOrDefault(node => node.Name != place.Owner && node.Name != place.Standby)
                ?? cluster.Nodes.First(node => node.Name != place.Owner),
        };

    /// <summary>Where one node alone may be ended, its role now is the fault's target.</summary>
    private Fault AsItIs(Fault fault, Place place)
    {
        if (Mortal is not { } mortal)
            return fault;
        var role =
            mortal.Name == place.Owner ? Target.Owner
            : mortal.Name == place.Standby ? Target.Standby
            : Target.Other;
        return fault switch
        {
            Fault.Kill => new Fault.Kill(role),
            Fault.Stop => new Fault.Stop(role),
            _ => fault,
        };
    }

    /// <summary>Whom a signal that ends processes hits.</summary>
    private Node VictimOf(Target target, Place place) => Mortal ?? NodeOf(target, place);

    private async Task<TimeSpan?> KillAsync(Node victim, Place place, long at, CancellationToken stop)
    {
        await victim.KillAsync();
        var detection = await DetectedAsync(victim, at, stop);
        await SurvivedAsync(victim, place, stop);
        await StartAsync(victim, stop);
        return detection;
    }

    private async Task<TimeSpan?> FreezeAsync(Node victim, Place place, long at, int seconds, CancellationToken stop)
    {
        victim.Process.Freeze();
        TimeSpan? detection;
        try
        {
            var until = Task.Delay(TimeSpan.FromSeconds(seconds), stop);
            var detecting = DetectedAsync(victim, at, stop);
            await Task.WhenAny(until, detecting);
            detection = detecting.IsCompletedSuccessfully ? await detecting : null;
            if (detection is not null && cluster.Nodes.Count > 2)
                await SurvivedAsync(victim, place, stop);
            await until;
        }
        finally
        {
            victim.Process.Thaw();
        }
        return detection;
    }

    private async Task<TimeSpan?> StopAsync(Node victim, long at, CancellationToken stop)
    {
        var detecting = DetectedAsync(victim, at, stop);
        await victim.TerminateAsync(stop);
        var detection = await detecting;
        await StartAsync(victim, stop);
        return detection;
    }

    private Task StartAsync(Node node, CancellationToken stop)
    {
        _startedAt = Stopwatch.GetTimestamp();
        return node.StartAsync(stop);
    }

    private async Task<TimeSpan?> SplitAsync(Place place, long at, int seconds, CancellationToken stop)
    {
        var minority = cluster.Nodes.OrderBy(node => node.Name != place.Owner).Take((cluster.Nodes.Count - 1) / 2).ToArray();
        foreach (var near in minority)
        {
            foreach (var far in cluster.Nodes.Except(minority))
            {
                cluster.SetLink(near, far, new LinkFault(Cut: true));
                cluster.SetLink(far, near, new LinkFault(Cut: true));
            }
        }
        var until = Task.Delay(TimeSpan.FromSeconds(seconds), stop);
        var detecting = DetectedAsync(cluster.Named(place.Owner), at, stop);
        await until;
        return detecting.IsCompletedSuccessfully ? await detecting : null;
    }

    private async Task<TimeSpan?> IsolateAsync(Node victim, long at, int seconds, CancellationToken stop)
    {
        SetLinks(victim, new LinkFault(Cut: true));
        var until = Task.Delay(TimeSpan.FromSeconds(seconds), stop);
        var detecting = DetectedAsync(victim, at, stop);
        await Task.WhenAny(until, detecting);
        await until;
        return detecting.IsCompletedSuccessfully ? await detecting : null;
    }

    /// <summary>The session has an owner who lives, and no node that could know better lists the dead one (a ghost).</summary>
    private async Task SurvivedAsync(Node victim, Place place, CancellationToken stop)
    {
        var others = cluster.Nodes.Where(node => node != victim).ToArray();
        if (!cluster.Replicates)
            return;
        if (place.Owner == victim.Name)
        {
            await Wait.UntilAsync(
                () => Task.FromResult(load.History.Acknowledged.Any(edit => edit.Epoch > place.Epoch)),
                $"an owner behind epoch {place.Epoch} acknowledges",
                stop
            );
        }
        try
        {
            await Wait.UntilAsync(
                () => Task.FromResult(others.All(node => watcher[node] is not { } sight || sight.Owners.Values.All(owner => owner.Owner != victim.Name))),
                "no list names the dead node",
                stop,
                TimeSpan.FromSeconds(10)
            );
        }
        catch (TimeoutException)
        {
            Violations.Add($"ghost: {victim.Name} is gone and still listed as an owner");
        }
    }

    /// <summary>Time until no other node counts it any more; null: longer than anybody should wait.</summary>
    private async Task<TimeSpan?> DetectedAsync(Node victim, long at, CancellationToken stop)
    {
        try
        {
            await Wait.UntilAsync(
                () =>
                    Task.FromResult(
                        cluster.Nodes.Where(node => node != victim && watcher[node] is not null).All(node => !watcher[node]!.Up.Contains(victim.Name))
                    ),
                "the others notice",
                stop,
                DetectionPatience
            );
            return Stopwatch.GetElapsedTime(at);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    /// <summary>A broken link between two of three is no reason to wait for its end: the third one passes everything on.</summary>
    private async Task PassedByAsync(int seconds, Place place, CancellationToken stop)
    {
        await Task.Delay(TimeSpan.FromSeconds(seconds), stop);
        if (cluster.Nodes.Count < 3)
            return;
        try
        {
            await load.UntilTypedAsync(EditsBetween, place.Epoch, stop).WaitAsync(TimeSpan.FromSeconds(20), stop);
        }
        catch (TimeoutException)
        {
            Violations.Add("stuck: nobody passes on what two of three nodes cannot say to each other");
        }
    }

    private void SetLinks(Node victim, LinkFault fault)
    {
        foreach (var other in cluster.Nodes.Where(node => node != victim))
        {
            cluster.SetLink(victim, other, fault);
            cluster.SetLink(other, victim, fault);
        }
    }

    /// <summary>SIGKILL to every runtime of a node, by what it noted of them.</summary>
    private static void KillRuntimes(Node node)
    {
        foreach (var pid in node.RuntimePids())
            Child.KillGroup(pid);
    }
}
