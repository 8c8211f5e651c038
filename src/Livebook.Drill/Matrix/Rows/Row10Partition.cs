using Livebook.Drill.Faults;

namespace Livebook.Drill.Matrix.Rows;

internal sealed class Row10Partition : Row
{
    public override int Number => 10;

    public override string What => "the owner on the smaller side of a cut";

    public override string Bound => "the majority goes on ≤ 8 s; copies are equal afterwards";

    internal override async Task RunAsync(RowContext row, CancellationToken stop)
    {
        var measure = await row.ApplyAsync(new Fault.Split(row.Seconds(7, 60)), stop);
        row.Times.Add(measure.Failover ?? TimeSpan.Zero);
    }
}
