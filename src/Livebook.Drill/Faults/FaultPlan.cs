using System.Collections.Immutable;

namespace Livebook.Drill.Faults;

/// <summary>Which faults come in which order: a pure function of the seed.</summary>
public static class FaultPlan
{
    /// <summary>Half of them are what kills sessions; the rest is what confuses nodes.</summary>
    public static ImmutableArray<Fault> Of(int seed, int count, int nodes)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Next(random, nodes))];
    }

    private static Fault Next(Random random, int nodes)
    {
        // Two nodes have no majority: a cut or a freeze of the wrong one only waits.
        var target = (Target)random.Next(nodes > 2 ? 3 : 2);
        var seconds = random.Next(3, 9);
        return random.Next(20) switch
        {
            < 6 => new Fault.Kill(random.Next(2) == 0 ? Target.Owner : target),
            < 9 => new Fault.Freeze(target, seconds),
            < 11 => new Fault.Isolate(target, seconds),
            11 => new Fault.CutOneWay(target, target == Target.Owner ? Target.Standby : Target.Owner, seconds),
            12 => new Fault.CutPair(Target.Owner, Target.Standby, seconds),
            13 => new Fault.Flap(target, seconds),
            14 => new Fault.SlowNet(seconds),
            15 => random.Next(2) == 0 ? new Fault.FlapDns(seconds) : new Fault.SilenceDns(seconds),
            16 => new Fault.CutSockets(),
            17 => new Fault.KillRuntime(),
            _ => new Fault.Stop(target),
        };
    }
}
