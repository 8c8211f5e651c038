using Livebook.Drill.Faults;

namespace Livebook.Drill.Matrix.Rows;

internal sealed class Row02PartialDns : Row
{
    public override int Number => 2;

    public override string What => "DNS answers with one random address of all";

    public override string Bound => "whole through gossip; the time is from the start of the node that was away";

    internal override async Task RunAsync(RowContext row, CancellationToken stop)
    {
        row.Cluster.Dns.AnswerSome(1, row.Cluster.Addresses);
        var measure = await row.ApplyAsync(new Fault.Rejoin(Target.Other), stop);
        row.Times.Add(measure.Rejoined ?? TimeSpan.Zero);
    }
}
