using System.Diagnostics;
using Livebook.Drill.Nodes;

namespace Livebook.Drill.Matrix.Rows;

internal sealed class Row16StaleDns : Row
{
    public override int Number => 16;

    public override string What => "DNS names an address where nobody is and one where a stranger listens";

    public override string Bound => "both are listed with a reason; nobody notices";

    internal override async Task RunAsync(RowContext row, CancellationToken stop)
    {
        using var stranger = new StrangeServer(row.Cluster.AddressOfHost(250));
        row.Cluster.Dns.Answer([.. row.Cluster.Addresses, row.Cluster.AddressOfHost(249), stranger.Address]);
        var startedAt = Stopwatch.GetTimestamp();
        await Wait.UntilAsync(
            async () =>
            {
                var said = (await row.Cluster.Nodes[0].GetAsync("cluster", stop)).GetProperty("strangers").ToString();
                return said.Contains(row.Cluster.AddressOfHost(249), StringComparison.Ordinal) && said.Contains(stranger.Address, StringComparison.Ordinal);
            },
            "both addresses are listed as strangers",
            stop
        );
        row.Times.Add(Stopwatch.GetElapsedTime(startedAt));
        await row.Load.UntilTypedAsync(row.Seconds(5, 200), 1, stop);
        row.Cluster.Heal();
        await row.Cluster.UntilWholeAsync(stop);
    }
}
