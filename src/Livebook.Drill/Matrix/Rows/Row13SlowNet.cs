using Livebook.Drill.Faults;

namespace Livebook.Drill.Matrix.Rows;

internal sealed class Row13SlowNet : Row
{
    public override int Number => 13;

    public override string What => "links with 300 ms more, 5 % loss, 64 kB/s";

    public override string Bound => "nobody counts as dead";

    internal override async Task RunAsync(RowContext row, CancellationToken stop)
    {
        var measure = await row.ApplyAsync(new Fault.SlowNet(row.Seconds(6, 60)), stop);
        row.Times.Add(measure.LongestWait);
        row.Check(measure.OwnerChanges == 0, "the session moved because its links were slow");
    }
}
