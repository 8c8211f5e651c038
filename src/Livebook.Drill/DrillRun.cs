using System.Collections.Immutable;
using System.Diagnostics;
using Livebook.Drill.Faults;
using Livebook.Drill.Load;
using Livebook.Drill.Matrix;
using Livebook.Drill.Nodes;
using Livebook.Drill.Reports;

namespace Livebook.Drill;

/// <summary>What a drill is to do.</summary>
/// <param name="Faults">How many random faults, behind the matrix if there is one.</param>
/// <param name="FullMatrix">Full or shortened rows; null: no matrix.</param>
/// <param name="Users">Per session.</param>
public sealed record DrillSettings(ClusterShape Shape, int Seed, int Faults, bool? FullMatrix, int Users = 3)
{
    /// <summary>These faults instead of random ones; null: random ones.</summary>
    public ImmutableArray<Fault>? Plan { get; init; }

    /// <summary>Minutes of random faults with twenty users, while nodes are measured; 0 = none.</summary>
    public int SoakMinutes { get; init; }
}

/// <summary>A drill: nodes, users, faults, and what became of everything that was promised.</summary>
public sealed class DrillRun(DrillSettings settings, Action<string> say)
{
    /// <summary>Behind this many faults the users' work is checked, and they begin anew.</summary>
    private const int FaultsPerSession = 10;

    private int _sessions;

    public async Task<DrillReport> RunAsync(CancellationToken stop)
    {
        var report = new DrillReport(
            $"Drill: {settings.Shape.Size} nodes, seed {settings.Seed}{(settings.Shape.Crippled.IsEmpty ? "" : $", without {string.Join(", ", settings.Shape.Crippled)}")}",
            say
        );
        var startedAt = Stopwatch.GetTimestamp();
        if (settings.FullMatrix is { } full)
            await MatrixAsync(report, full, stop);
        var plan = settings.Plan ?? FaultPlan.Of(settings.Seed, settings.Faults, settings.Shape.Size);
        if (plan.Length > 0)
            await RandomAsync(report, plan, stop);
        if (settings.SoakMinutes > 0)
            await new SoakRun(settings, say).RunAsync(report, stop);
        report.Remark($"{report.Measures.Count} faults in {Stopwatch.GetElapsedTime(startedAt).TotalSeconds:0} s on {Environment.ProcessorCount} processors");
        return report;
    }

    private async Task MatrixAsync(DrillReport report, bool full, CancellationToken stop)
    {
        MatrixRun? run = null;
        try
        {
            foreach (var row in AllRows.Driven)
            {
                run ??= await MatrixRun.StartAsync(settings, stop);
                var result = await run.RowAsync(row, full, report, stop);
                report.Add(result);
                say(result.ToString());
                if (run.IsSpoilt)
                {
                    await run.DisposeAsync();
                    run = null;
                }
            }
        }
        finally
        {
            if (run is not null)
                await run.DisposeAsync();
        }
        foreach (var row in AllRows.Elsewhere)
            report.Add(new RowResult(row.Number, row.What, "–", row.Bound, [], []) { Elsewhere = row.By });
    }

    private async Task RandomAsync(DrillReport report, ImmutableArray<Fault> faults, CancellationToken stop)
    {
        var plan = new Queue<Fault>(faults);
        var number = 0;
        while (plan.Count > 0)
        {
            await using var cluster = await DrillCluster.StartAsync(settings.Shape, stop);
            report.Remark($"formation of {settings.Shape.Size} nodes: {cluster.Formation.TotalSeconds:0.0} s");
            await using var watcher = new Watcher(cluster);
            try
            {
                while (plan.Count > 0)
                {
                    await using var load = await StartLoadAsync(cluster, stop);
                    var nemesis = new Nemesis(cluster, watcher, load);
                    var before = number;
                    try
                    {
                        while (plan.Count > 0 && number - before < FaultsPerSession)
                        {
                            number++;
                            var measure = await nemesis.ApplyAsync(plan.Dequeue(), stop);
                            report.Add(measure);
                            say(
                                $"{number}: {DrillReport.NameOf(measure.Fault)}: noticed {DrillReport.Spread([measure.Detection])}, failover {DrillReport.Spread([measure.Failover])}, longest wait {DrillReport.Seconds(measure.LongestWait)}"
                            );
                        }
                        report.Blame($"faults {before + 1} to {number}", await load.EndAndCheckAsync(cluster.Nodes, stop));
                    }
                    finally
                    {
                        report.Add(load);
                        report.Blame($"faults {before + 1} to {number}", nemesis.Violations);
                    }
                }
            }
            catch (Exception error) when (!stop.IsCancellationRequested && error is TimeoutException or InvalidOperationException or UnexpectedAnswerException)
            {
                report.Blame($"fault {number}", [$"stuck: {error.Message}"]);
                say($"{number}: stuck: {error.Message}");
            }
            finally
            {
                report.Blame($"up to fault {number}", watcher.TakeViolations());
            }
        }
    }

    private Task<SessionRun> StartLoadAsync(DrillCluster cluster, CancellationToken stop)
    {
        var session = _sessions++;
        return SessionRun.StartAsync(
            cluster.Nodes[session % cluster.Nodes.Count],
            cluster.Balancer.Address,
            cluster.SignInAddress,
            [.. Enumerable.Range(0, settings.Users).Select(user => UserPlan.Of(settings.Seed, session, user))],
            cluster.Folder,
            stop
        );
    }
}
