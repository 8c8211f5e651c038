using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>A server that is killed and started again on what is on its disk. Row 7 of the matrix does that to a whole cluster.</summary>
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
}
