using Livebook.Drill.Faults;

namespace Livebook.Drill.Matrix.Rows;

internal sealed class Row12Flapping : Row
{
    public override int Number => 12;

    public override string What => "the owner's links are cut for half of each second";

    public override string Bound => "at most one change of owner";

    internal override async Task RunAsync(RowContext row, CancellationToken stop)
    {
        var measure = await row.ApplyAsync(new Fault.Flap(Target.Owner, row.Seconds(6, 120)), stop);
        row.Times.Add(measure.LongestWait);
        row.Check(measure.OwnerChanges <= 1, $"the session changed its owner {measure.OwnerChanges} times");
    }
}
