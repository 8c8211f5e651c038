using Livebook.Drill.Faults;
using Livebook.Drill.Pages;

namespace Livebook.Drill.Matrix.Rows;

internal sealed class Row05OwnerKilled : Row
{
    public override int Number => 5;

    public override string What => "kill -9 of the owner while people type and cells run";

    public override string Bound => "first edit acknowledged by the next owner ≤ 5 s";

    internal override async Task RunAsync(RowContext row, CancellationToken stop)
    {
        for (var kill = 0; kill < row.Seconds(1, 10); kill++)
        {
            var measure = await row.ApplyAsync(new Fault.Kill(Target.Owner), stop);
            row.Times.Add(measure.Failover ?? TimeSpan.Zero);
            row.Check(measure.OwnerChanges > 0, "the session kept its owner, who is dead");
        }
    }
}
