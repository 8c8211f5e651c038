using System.Diagnostics;
using System.Net;
using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>Nodes that stand still and go on later, as suspended machines do, and nodes that are away together (rows 7 and 8 of the fault matrix).</summary>
[Collection(OwnServers.Name)]
public sealed class FreezeTests(ITestOutputHelper output)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_frozen_owner_of_three_is_replaced_and_what_it_still_holds_does_not_count()
    {
        await using var cluster = await Cluster.StartAsync(3, Stop, ThreeNodes.Quick);
        await using var run = await TypingRun.StartAsync(cluster.Nodes[0], cluster.Address, cluster.SignInAddress, Stop);
        var before = await cluster.UntilAgreedAsync(run.Session, Stop);
        var owner = cluster.Named(before.Owner);
        await run.UntilTypedAsync(10, before.Epoch, Stop);

        var frozenAt = Stopwatch.GetTimestamp();
        owner.Process.Freeze();
        await run.UntilTypedAsync(10, before.Epoch + 1, Stop);
        output.WriteLine($"first edit acknowledged {run.FirstAcknowledgedAfter(frozenAt, before.Epoch + 1).TotalMilliseconds:0} ms after the freeze");
        owner.Process.Thaw();
        await cluster.UntilWholeAsync(Stop);
        await run.UntilTypedAsync(10, before.Epoch + 1, Stop);
        await run.EndAsync(Stop);

        var after = await cluster.UntilAgreedAsync(run.Session, Stop);
        Assert.NotEqual(before.Owner, after.Owner);
        Assert.Equal(before.Epoch + 1, after.Epoch);
        Assert.Empty(await run.ViolationsAsync(cluster.Nodes, Stop));

        // Owner and standby at once: the third node knows that the session is not gone, only its nodes.
        var third = cluster.Nodes.Single(node => node.Name != after.Owner && node.Name != after.Standby);
        // It was the owner once: its old copy goes when it has seen that others went on.
        var copy = Path.Combine(third.DataPath, "logs", run.Session + ".log");
        await Wait.UntilAsync(() => Task.FromResult(!File.Exists(copy)), "the third node has no copy any more", Stop);
        var history = new History();
        await using var page = await PageClient.OpenAsync(third.Address, third.SignInAddress, run.Session, "z", history, Stop);
        await page.TypeAsync(run.Cell, Stop);
        await Task.WhenAll(cluster.Named(after.Owner).KillAsync(), cluster.Named(after.Standby!).KillAsync());
        await Wait.UntilAsync(async () => !(await third.PlacesAsync(Stop)).ContainsKey(run.Session), "the third node is alone and does not list it", Stop);
        await using var late = new LateJoin(third, run.Session, history, Stop);
        await cluster.Named(after.Standby!).StartAsync(Stop);
        await page.TypeAsync(run.Cell, Stop);
        await (await late.Page).TypeAsync(run.Cell, Stop);
        Assert.Equal(0, page.Gone + (await late.Page).Gone);
        await cluster.Named(after.Owner).StartAsync(Stop);
        await cluster.UntilWholeAsync(Stop);
        await cluster.UntilAgreedAsync(run.Session, Stop);
        // Pages that came back through the load balancer have everything, too.
        var version = (await third.GetAsync($"sessions/{run.Session}", Stop)).GetProperty("version").GetInt64();
        foreach (var other in run.Pages)
            await Wait.UntilAsync(
                () => Task.FromResult(other.Version >= version),
                $"a page at version {other.Version} of epoch {other.Epoch} has version {version} (gone {other.Gone}, {string.Join("; ", other.Complaints)})",
                Stop
            );
    }

    [Fact]
    public async Task Two_nodes_wait_for_an_operators_word_when_the_lower_one_is_silent()
    {
        await using var cluster = await Cluster.StartAsync(2, Stop, ThreeNodes.Quick);
        var (low, high) = (cluster.Nodes[0], cluster.Nodes[1]);
        var session = await low.CreateSessionAsync("Two", Stop);
        var place = await cluster.UntilAgreedAsync(session, Stop);
        var cell = await high.AddCellAsync(session, "markdown", "kept", Stop);
        using var http = new HttpClient();

        low.Process.Freeze();
        await Wait.UntilAsync(
            async () => (await high.GetAsync("cluster", Stop)).GetProperty("status").GetString() == "minority",
            "the other one is read only",
            Stop
        );
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await http.GetAsync(new Uri(high.Address, "ready"), Stop)).StatusCode);

        Assert.Equal("alone", (await high.PostAsync("cluster/promote", null, Stop)).GetProperty("status").GetString());
        await Wait.UntilAsync(async () => (await high.SourcesAsync(session, Stop)).ContainsKey(cell), "the session goes on", Stop);
        var more = await high.AddCellAsync(session, "markdown", "made alone", Stop);

        low.Process.Thaw();
        await cluster.UntilWholeAsync(Stop);
        var after = await cluster.UntilAgreedAsync(session, Stop);
        Assert.Equal(high.Name, after.Owner);
        Assert.True(place.Owner == high.Name || after.Epoch > place.Epoch);
        foreach (var node in cluster.Nodes)
            Assert.Equal("made alone", (await node.SourcesAsync(session, Stop))[more]);
    }

    /// <summary>A page that is opened while the session's nodes are away: it waits.</summary>
    private sealed class LateJoin(Node node, string session, History history, CancellationToken stop) : IAsyncDisposable
    {
        public Task<PageClient> Page { get; } = PageClient.OpenAsync(node.Address, node.SignInAddress, session, "y", history, stop);

        public async ValueTask DisposeAsync() => await (await Page).DisposeAsync();
    }
}
