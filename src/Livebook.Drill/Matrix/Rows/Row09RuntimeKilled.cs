using Livebook.Drill.Faults;

namespace Livebook.Drill.Matrix.Rows;

internal sealed class Row09RuntimeKilled : Row
{
    public override int Number => 9;

    public override string What => "kill -9 of the runtime process";

    public override string Bound => "the session is fine, others untouched";

    internal override async Task RunAsync(RowContext row, CancellationToken stop)
    {
        for (var turn = 0; turn < row.Seconds(1, 5); turn++)
        {
            var measure = await row.ApplyAsync(new Fault.KillRuntime(), stop);
            row.Times.Add(measure.LongestWait);
            row.Check(measure.OwnerChanges == 0, "the session moved because of its runtime");
        }
    }
}
