using System.Diagnostics;
using Livebook.Drill.Faults;
using Livebook.Drill.Load;
using Livebook.Drill.Nodes;
using Livebook.Drill.Reports;

namespace Livebook.Drill;

/// <summary>
/// Random faults for many minutes with twenty users in four sessions, which are replaced now and then so that notebooks do not grow, while memory and
/// open descriptors of the nodes are measured. Signals that end processes hit one node alone: the others live through everything.
/// </summary>
internal sealed class SoakRun(DrillSettings settings, Action<string> say)
{
    private const int Sessions = 4;
    private const int UsersPerSession = 5;
    private const double MostMegabytesPerMinute = 1;
    private const double MostDescriptorGrowth = 0.05;

    /// <summary>Minutes in which caches fill and code is compiled.</summary>
    private const int WarmUp = 5;
    private static readonly TimeSpan Round = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Sample = TimeSpan.FromSeconds(5);

    private readonly List<ProcessSample> _samples = [];

    public async Task RunAsync(DrillReport report, CancellationToken stop)
    {
        await using var cluster = await DrillCluster.StartAsync(settings.Shape, stop);
        await using var watcher = new Watcher(cluster);
        var startedAt = Stopwatch.GetTimestamp();
        using var sampling = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var sampler = SampleAsync([.. cluster.Nodes.SkipLast(1)], startedAt, sampling.Token);
        var faults = FaultPlan.Of(settings.Seed, 100_000, settings.Shape.Size).GetEnumerator();
        try
        {
            for (var round = 0; Stopwatch.GetElapsedTime(startedAt) < TimeSpan.FromMinutes(settings.SoakMinutes); round++)
                await RoundAsync(report, cluster, watcher, round, Next, stop);
        }
        catch (Exception error) when (!stop.IsCancellationRequested && error is TimeoutException or InvalidOperationException or UnexpectedAnswerException)
        {
            report.Blame("soak", [$"stuck: {error.Message}"]);
        }
        await sampling.CancelAsync();
        await sampler.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        report.Blame("soak", watcher.TakeViolations());
        Judge(report);

        Fault Next() => faults.MoveNext() ? faults.Current : new Fault.CutSockets();
    }

    private async Task RoundAsync(DrillReport report, DrillCluster cluster, Watcher watcher, int round, Func<Fault> next, CancellationToken stop)
    {
        var startedAt = Stopwatch.GetTimestamp();
        var loads = new List<SessionRun>();
        try
        {
            for (var session = 0; session < Sessions; session++)
            {
                var plans = Enumerable.Range(0, UsersPerSession).Select(user => UserPlan.Of(settings.Seed, round * Sessions + session, user)).ToArray();
                loads.Add(
                    await SessionRun.StartAsync(
                        cluster.Nodes[session % cluster.Nodes.Count],
                        cluster.Balancer.Address,
                        cluster.SignInAddress,
                        plans,
                        cluster.Folder,
                        stop
                    )
                );
            }
            var nemesis = new Nemesis(cluster, watcher, loads[0]) { Mortal = cluster.Nodes[^1] };
            while (Stopwatch.GetElapsedTime(startedAt) < Round)
                report.Add(await nemesis.ApplyAsync(next(), stop));
            report.Blame($"round {round}", nemesis.Violations);
            foreach (var load in loads)
            {
                report.Blame($"round {round}", await load.EndAndCheckAsync(cluster.Nodes, stop));
                await cluster.Nodes[0].SendAsync(HttpMethod.Delete, $"sessions/{load.Session}", null, stop);
            }
            say($"round {round}: {loads.Sum(load => load.History.Acknowledged.Length)} edits, {report.Violations.Count} violations so far");
        }
        finally
        {
            foreach (var load in loads)
            {
                report.Add(load);
                await load.DisposeAsync();
            }
        }
    }

    private async Task SampleAsync(Node[] nodes, long startedAt, CancellationToken stop)
    {
        while (true)
        {
            foreach (var node in nodes)
                _samples.Add(ProcessSample.Of(node, Stopwatch.GetElapsedTime(startedAt)));
            await Task.Delay(Sample, stop);
        }
    }

    private void Judge(DrillReport report)
    {
        foreach (var node in _samples.GroupBy(sample => sample.Node))
        {
            var settled = node.Where(sample => sample.At >= TimeSpan.FromMinutes(WarmUp)).ToArray();
            if (settled.Length == 0 || settled[^1].At - settled[0].At < TimeSpan.FromMinutes(3))
            {
                report.Remark($"{node.Key}: {node.Last().Megabytes:0} MB, {node.Last().Descriptors} descriptors; too short to judge growth");
                continue;
            }
            // What is free in a managed heap is given back when it pleases: the least of each minute is what is really in use.
            var minutes = settled
                .GroupBy(sample => (int)sample.At.TotalMinutes)
                .Select(minute => (Minute: (double)minute.Key, Megabytes: minute.Min(sample => sample.Megabytes)))
                .ToArray();
            var growth = Slope(minutes);
            var third = Math.Max(1, settled.Length / 3);
            var (first, last) = (settled.Take(third).Average(sample => sample.Descriptors), settled.TakeLast(third).Average(sample => sample.Descriptors));
            report.Remark(
                $"{node.Key}: memory {minutes[0].Megabytes:0} to {minutes[^1].Megabytes:0} MB, {growth:+0.00;-0.00} MB a minute; descriptors {first:0} to {last:0}"
            );
            if (growth > MostMegabytesPerMinute)
                report.Blame("soak", [$"growth: {node.Key} takes {growth:0.00} MB more each minute"]);
            if (last > first * (1 + MostDescriptorGrowth))
                report.Blame("soak", [$"growth: {node.Key} has {last:0} descriptors open, {first:0} before"]);
        }
    }

    /// <summary>Least squares.</summary>
    private static double Slope((double Minute, double Megabytes)[] points)
    {
        var (x, y) = (points.Average(point => point.Minute), points.Average(point => point.Megabytes));
        var spread = points.Sum(point => (point.Minute - x) * (point.Minute - x));
        return spread == 0 ? 0 : points.Sum(point => (point.Minute - x) * (point.Megabytes - y)) / spread;
    }

    /// <summary>One look at a node's process.</summary>
    private sealed record ProcessSample(string Node, TimeSpan At, double Megabytes, int Descriptors)
    {
        public static ProcessSample Of(Node node, TimeSpan at)
        {
            var pid = node.Process.Pid;
            var resident = File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
            var kilobytes = double.Parse(resident.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture);
            return new ProcessSample(node.Name, at, kilobytes / 1024, Directory.GetFiles($"/proc/{pid}/fd").Length);
        }
    }
}
