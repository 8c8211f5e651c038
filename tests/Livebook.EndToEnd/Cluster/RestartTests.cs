using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>Servers that are all killed at once, and started again on what is on their disks.</summary>
[Collection(OwnServers.Name)]
public sealed class RestartTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_lone_server_that_is_killed_comes_back_with_everything_acknowledged_and_its_variables()
    {
        await using var server = await Node.StartAsync(ThreeNodes.Quick, Stop);
        await using var run = await TypingRun.StartAsync(server, server.Address, server.SignInAddress, Stop);
        var maker = await server.AddCellAsync(run.Session, "code", "var kept = System.Guid.NewGuid().ToString();\nkept", Stop);
        var reader = await server.AddCellAsync(run.Session, "code", "kept.ToUpperInvariant()", Stop);
        var made = Notebooks.ResultOf(await server.EvaluateAsync(run.Session, maker, Stop));
        for (var epoch = 1; epoch <= 2; epoch++)
        {
            await run.UntilTypedAsync(20, epoch, Stop);
            await server.KillAsync();
            await server.StartAsync(Stop);
            await run.UntilTypedAsync(20, epoch + 1, Stop);
        }
        await run.EndAsync(Stop);

        Assert.Empty(await run.ViolationsAsync([server], Stop));
        Assert.Equal(made.ToUpperInvariant(), Notebooks.ResultOf(await server.EvaluateAsync(run.Session, reader, Stop)));
    }

    [Fact]
    public async Task A_cluster_that_is_killed_whole_comes_back_with_every_session()
    {
        await using var cluster = await Cluster.StartAsync(3, Stop, ThreeNodes.Quick);
        await using var run = await TypingRun.StartAsync(cluster.Nodes[0], cluster.Address, cluster.SignInAddress, Stop);
        var others = new List<string>();
        foreach (var node in cluster.Nodes)
            others.Add(await node.CreateSessionAsync("Other", Stop));
        var before = await cluster.UntilAgreedAsync(run.Session, Stop);
        await run.UntilTypedAsync(20, before.Epoch, Stop);

        await Task.WhenAll(cluster.Nodes.Select(node => node.KillAsync()));
        await Task.WhenAll(cluster.Nodes.Select(node => node.StartAsync(Stop)));
        await cluster.UntilWholeAsync(Stop);
        var after = await cluster.UntilAgreedAsync(run.Session, Stop);
        Assert.True(after.Epoch > before.Epoch);
        foreach (var session in others)
            await cluster.UntilAgreedAsync(session, Stop);
        await run.UntilTypedAsync(5, after.Epoch, Stop);
        await run.EndAsync(Stop);

        // Processes were killed, not the machine: what was written is in the system's cache, so nothing is missing.
        Assert.Empty(await run.ViolationsAsync(cluster.Nodes, Stop));
    }
}
