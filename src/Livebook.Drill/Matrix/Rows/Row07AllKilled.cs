using Livebook.Drill.Faults;

namespace Livebook.Drill.Matrix.Rows;

internal sealed class Row07AllKilled : Row
{
    public override int Number => 7;

    public override string What => "kill -9 of all nodes, and a start of all";

    public override string Bound => "every acknowledged edit is there again; the time is until the first edit is acknowledged";

    internal override async Task RunAsync(RowContext row, CancellationToken stop)
    {
        for (var turn = 0; turn < row.Seconds(1, 3); turn++)
            row.Times.Add((await row.ApplyAsync(new Fault.KillAll(), stop)).LongestWait);
    }
}
