using Livebook.Drill.Faults;

namespace Livebook.Drill.Matrix.Rows;

internal sealed class Row08OwnerFrozen : Row
{
    public override int Number => 8;

    public override string What => "SIGSTOP of the owner, then SIGCONT";

    public override string Bound => "failover ≤ 10 s; the one that comes back has no say";

    internal override async Task RunAsync(RowContext row, CancellationToken stop)
    {
        foreach (var seconds in row.Full ? [5, 20, 90] : new[] { 6 })
        {
            var measure = await row.ApplyAsync(new Fault.Freeze(Target.Owner, seconds), stop);
            row.Times.Add(measure.Failover ?? TimeSpan.FromSeconds(seconds));
            row.Check(measure.OwnerChanges > 0, "the session stayed with a frozen owner");
        }
    }
}
