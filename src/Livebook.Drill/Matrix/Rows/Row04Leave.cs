using Livebook.Drill.Faults;

namespace Livebook.Drill.Matrix.Rows;

internal sealed class Row04Leave : Row
{
    public override int Number => 4;

    public override string What => "SIGTERM to the owner";

    public override string Bound => "pause of an edit ≤ 3 s";

    internal override async Task RunAsync(RowContext row, CancellationToken stop)
    {
        for (var turn = 0; turn < row.Seconds(1, 5); turn++)
        {
            var measure = await row.ApplyAsync(new Fault.Stop(Target.Owner), stop);
            row.Times.Add(measure.LongestWait);
            row.Check(measure.OwnerChanges > 0, "the session kept an owner who left");
        }
    }
}
