using Livebook.Drill.Faults;
using Livebook.Drill.Load;
using Livebook.Drill.Nodes;
using Livebook.Drill.Reports;

namespace Livebook.Drill.Matrix;

/// <summary>One cluster that rows are run on, one after the other, each with users of its own.</summary>
public sealed class MatrixRun : IAsyncDisposable
{
    private readonly DrillSettings _settings;
    private readonly DrillCluster _cluster;
    private readonly Watcher _watcher;

    private MatrixRun(DrillSettings settings, DrillCluster cluster)
    {
        (_settings, _cluster) = (settings, cluster);
        _watcher = new Watcher(cluster);
    }

    /// <summary>A row left the cluster in disorder: the next one needs another.</summary>
    public bool IsSpoilt { get; private set; }

    public static async Task<MatrixRun> StartAsync(DrillSettings settings, CancellationToken stop) =>
        new(settings, await DrillCluster.StartAsync(settings.Shape, stop));

    /// <param name="report">Gets the measures and counts of the row; null: nobody wants them.</param>
    public async Task<RowResult> RowAsync(Row row, bool full, DrillReport? report, CancellationToken stop)
    {
        var violations = new List<string>();
        var times = new List<TimeSpan>();
        var done = "";
        try
        {
            await using var load = await SessionRun.StartAsync(
                _cluster.Nodes[row.Number % _cluster.Nodes.Count],
                _cluster.Balancer.Address,
                _cluster.SignInAddress,
                [.. Enumerable.Range(0, _settings.Users).Select(user => UserPlan.Of(_settings.Seed, row.Number, user))],
                _cluster.Folder,
                stop
            );
            var context = new RowContext(_cluster, _watcher, load, new Nemesis(_cluster, _watcher, load), full);
            try
            {
                await row.RunAsync(context, stop);
                violations.AddRange(await load.EndAndCheckAsync(_cluster.Nodes, stop));
            }
            finally
            {
                violations.AddRange(context.Violations);
                violations.AddRange(context.Nemesis.Violations);
                times.AddRange(context.Times);
                done = string.Join(", ", context.Measures.Select(measure => DrillReport.NameOf(measure.Fault)).Distinct());
                report?.Add(load);
                foreach (var measure in context.Measures)
                    report?.Add(measure);
            }
            await _cluster.Nodes[0].SendAsync(HttpMethod.Delete, $"sessions/{load.Session}", null, stop);
        }
        catch (Exception error) when (!stop.IsCancellationRequested && error is TimeoutException or InvalidOperationException or UnexpectedAnswerException)
        {
            violations.Add($"stuck: {error.Message}");
            IsSpoilt = true;
        }
        violations.AddRange(_watcher.TakeViolations());
        return new RowResult(row.Number, row.What, done, row.Bound, [.. times], [.. violations]);
    }

    public async ValueTask DisposeAsync()
    {
        await _watcher.DisposeAsync();
        await _cluster.DisposeAsync();
    }
}
