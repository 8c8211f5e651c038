using Livebook.Drill.Faults;

namespace Livebook.Drill.Matrix.Rows;

internal sealed class Row15SilentDns : Row
{
    public override int Number => 15;

    public override string What => "DNS does not answer";

    public override string Bound => "nobody notices";

    internal override async Task RunAsync(RowContext row, CancellationToken stop)
    {
        var measure = await row.ApplyAsync(new Fault.SilenceDns(row.Seconds(6, 300)), stop);
        row.Times.Add(measure.LongestWait);
        row.Check(measure.OwnerChanges == 0, "DNS moved a session");
    }
}
