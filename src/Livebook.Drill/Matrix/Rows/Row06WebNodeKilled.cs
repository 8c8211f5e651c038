using Livebook.Drill.Faults;
using Livebook.Drill.Nodes;

namespace Livebook.Drill.Matrix.Rows;

internal sealed class Row06WebNodeKilled : Row
{
    public override int Number => 6;

    public override string What => "kill -9 of a node that serves pages only";

    public override string Bound => "pages come back ≤ 5 s; what runs goes on";

    internal override async Task RunAsync(RowContext row, CancellationToken stop)
    {
        var owner = row.Cluster.Nodes[0];
        var cell = await owner.AddCellAsync(row.Load.Session, "code", Notebooks.Endless, stop);
        await owner.PostAsync($"sessions/{row.Load.Session}/evaluations", new { cells = new[] { cell } }, stop);
        await UntilRunningAsync(row, cell, stop);
        var measure = await row.ApplyAsync(new Fault.Kill(Target.Other), stop);
        row.Times.Add(measure.LongestWait);
        row.Check(measure.OwnerChanges == 0, "the session moved although its owner lived");
        await UntilRunningAsync(row, cell, stop);
        await row.Cluster.Nodes[0].SendAsync(HttpMethod.Delete, $"sessions/{row.Load.Session}/evaluations", null, stop);
    }

    private static Task UntilRunningAsync(RowContext row, string cell, CancellationToken stop) =>
        Wait.UntilAsync(
            async () =>
                (await row.Cluster.Nodes[0].GetAsync($"sessions/{row.Load.Session}/cells/{cell}", stop)).GetProperty("status").GetString() == "evaluating",
            "the endless cell runs",
            stop
        );
}
