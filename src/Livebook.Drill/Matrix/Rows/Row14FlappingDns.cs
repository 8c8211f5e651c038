using Livebook.Drill.Faults;

namespace Livebook.Drill.Matrix.Rows;

internal sealed class Row14FlappingDns : Row
{
    public override int Number => 14;

    public override string What => "DNS says in turn that the name exists and that it does not";

    public override string Bound => "nobody notices";

    internal override async Task RunAsync(RowContext row, CancellationToken stop)
    {
        var measure = await row.ApplyAsync(new Fault.FlapDns(row.Seconds(6, 120)), stop);
        row.Times.Add(measure.LongestWait);
        row.Check(measure.OwnerChanges == 0, "DNS moved a session");
    }
}
