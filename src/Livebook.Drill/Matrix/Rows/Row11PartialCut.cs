using Livebook.Drill.Faults;

namespace Livebook.Drill.Matrix.Rows;

internal sealed class Row11PartialCut : Row
{
    public override int Number => 11;

    public override string What => "a cut in one direction, and between two of three";

    public override string Bound => "nobody is put out, no owner changes";

    internal override async Task RunAsync(RowContext row, CancellationToken stop)
    {
        foreach (
            var fault in new Fault[]
            {
                new Fault.CutOneWay(Target.Other, Target.Owner, row.Seconds(4, 60)),
                new Fault.CutPair(Target.Owner, Target.Standby, row.Seconds(5, 60)),
            }
        )
        {
            var measure = await row.ApplyAsync(fault, stop);
            row.Times.Add(measure.LongestWait);
            row.Check(measure.OwnerChanges == 0, "the session moved although every node was heard by another");
        }
    }
}
