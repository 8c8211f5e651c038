using System.Collections.Immutable;
using Livebook.Kino.Hosting;
using Livebook.Protocol;

namespace Livebook.Runtime.Connection;

/// <summary>
/// Numbers the reports and keeps them until the server has them safe. What user code produces waits while too much is unacknowledged,
/// so that memory stays bounded; everything else never waits.
/// </summary>
/// <param name="maximumCost">About how many characters of unacknowledged reports user code may pile up.</param>
public sealed class ReportLog(long maximumCost = 4 * 1024 * 1024)
{
    private const int CostOfReport = 4096;
    private const int BatchSize = 64;
    private readonly object gate = new();
    private readonly Queue<ReportFrame> kept = new();
    private long last;
    private long cost;

    /// <summary>Appends a report.</summary>
    public void Add(RuntimeReport report)
    {
        lock (gate)
        {
            kept.Enqueue(new ReportFrame(++last, report));
            cost += Cost(report);
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Whether user code may go on producing.</summary>
    public bool HasRoom
    {
        get
        {
            lock (gate)
                return cost < maximumCost;
        }
    }

    /// <summary>Waits until user code may go on producing; ends early, without room, when the run is over.</summary>
    /// <exception cref="OperationCanceledException">The run was asked to stop.</exception>
    public void WaitForRoom(CellRun run)
    {
        lock (gate)
            while (cost >= maximumCost && !run.IsFinished)
            {
                if (run.StopRequested)
                    throw new OperationCanceledException(run.Stopping);
                Monitor.Wait(gate, 20);
            }
    }

    /// <summary>Drops every report up to and including a number.</summary>
    public void Acknowledge(long report)
    {
        lock (gate)
        {
            while (kept.TryPeek(out var first) && first.Sequence <= report)
                cost -= Cost(kept.Dequeue().Report);
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>The kept reports after a number, oldest first; blocks until there is one. Empty when it was stopped.</summary>
    public ImmutableArray<ReportFrame> Read(long after, CancellationToken stop)
    {
        lock (gate)
        {
            while (last <= after && !stop.IsCancellationRequested)
                Monitor.Wait(gate);
            return stop.IsCancellationRequested ? [] : [.. kept.SkipWhile(frame => frame.Sequence <= after).Take(BatchSize)];
        }
    }

    /// <summary>Lets <see cref="Read"/> look at its token.</summary>
    public void Wake()
    {
        lock (gate)
            Monitor.PulseAll(gate);
    }

    private static long Cost(RuntimeReport report) =>
        report is RuntimeReport.Produced produced ? CostOfReport + produced.Output.Data.Values.Sum(text => (long)text.Length) : 0;
}
