using Livebook.Drill.Faults;

namespace Livebook.Drill.Matrix.Rows;

internal sealed class Row26SocketsCut : Row
{
    public override int Number => 26;

    public override string What => "the balancer ends every connection";

    public override string Bound => "pages are back at once; what is posted again happens once";

    internal override async Task RunAsync(RowContext row, CancellationToken stop)
    {
        for (var turn = 0; turn < row.Seconds(2, 30); turn++)
            row.Times.Add((await row.ApplyAsync(new Fault.CutSockets(), stop)).LongestWait);
    }
}
