using System.Diagnostics;
using Livebook.Drill.Nodes;

namespace Livebook.Drill.Matrix.Rows;

internal sealed class Row03Join : Row
{
    public override int Number => 3;

    public override string What => "nodes join and leave under load";

    public override string Bound => "the new node gets new sessions; nothing is lost when it leaves";

    internal override async Task RunAsync(RowContext row, CancellationToken stop)
    {
        var place = await row.Cluster.Nodes.UntilAgreedAsync(row.Load.Session, stop);
        for (var number = 0; number < row.Seconds(1, 2); number++)
        {
            var startedAt = Stopwatch.GetTimestamp();
            var added = await row.Cluster.AddAsync(stop);
            await row.Cluster.UntilWholeAsync(stop);
            row.Times.Add(Stopwatch.GetElapsedTime(startedAt));
            var (session, owner) = ("", "");
            for (var made = 0; made < row.Cluster.Nodes.Count && owner != added.Name; made++)
            {
                session = await row.Cluster.Nodes[0].CreateSessionAsync("On the new node", stop);
                owner = (await row.Cluster.Nodes.UntilAgreedAsync(session, stop)).Owner;
            }
            row.Check(owner == added.Name, "of as many new sessions as there are nodes none went to the new node");
            await added.TerminateAsync(stop);
            row.Check(added.Process.ExitCode == 0, $"the node that left ended with status {added.Process.ExitCode}");
            await row.Cluster.RemoveAsync(added);
            await row.Cluster.UntilWholeAsync(stop);
            row.Check((await row.Cluster.Nodes.UntilAgreedAsync(session, stop)).Owner != added.Name, "the session stayed with a node that left");
            await row.Cluster.Nodes[0].SendAsync(HttpMethod.Delete, $"sessions/{session}", null, stop);
        }
        await row.Load.UntilTypedAsync(3, place.Epoch, stop);
    }
}
