using Livebook.Drill.Faults;

namespace Livebook.Drill.Matrix.Rows;

internal sealed class Row20RollingRestart : Row
{
    public override int Number => 20;

    public override string What => "each node in turn is stopped and started";

    public override string Bound => "every page is back ≤ 5 s";

    internal override async Task RunAsync(RowContext row, CancellationToken stop)
    {
        foreach (
            var target in row.Full
                ? [Target.Owner, Target.Standby, Target.Other, Target.Owner, Target.Standby, Target.Other]
                : new[] { Target.Standby, Target.Other }
        )
            row.Times.Add((await row.ApplyAsync(new Fault.Stop(target), stop)).LongestWait);
    }
}
