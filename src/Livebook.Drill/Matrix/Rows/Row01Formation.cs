using Livebook.Drill.Nodes;

namespace Livebook.Drill.Matrix.Rows;

internal sealed class Row01Formation : Row
{
    public override int Number => 1;

    public override string What => "nodes start together, or one after the other; DNS is empty at first";

    public override string Bound => "all nodes count each other ≤ 10 s after DNS is right, 8 s for three";

    internal override async Task RunAsync(RowContext row, CancellationToken stop)
    {
        foreach (var size in row.Full ? [1, 3, 5, 9] : new[] { 3 })
        {
            // Beside the cluster that rows share, which goes on.
            var shape = row.Cluster.Shape with
            {
                Size = size,
                FirstHost = 101,
            };
            foreach (
                var formation in row.Full
                    ? [new(TimeSpan.FromSeconds(30), TimeSpan.Zero), new(TimeSpan.Zero, TimeSpan.FromSeconds(2))]
                    : new Formation[] { new(TimeSpan.FromSeconds(3), TimeSpan.Zero) }
            )
            {
                await using var cluster = await DrillCluster.StartAsync(shape, stop, formation);
                row.Times.Add(cluster.Formation);
                var founders = await Task.WhenAll(cluster.Nodes.Select(node => node.MembersAsync(stop)));
                row.Check(founders.All(members => members.Count == size), "nodes count different members");
            }
        }
    }
}
