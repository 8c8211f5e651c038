using Livebook.Cluster.Logs;
using static Livebook.Cluster.Tests.Logs.TestCluster;

namespace Livebook.Cluster.Tests.Logs;

public sealed class DrainTests
{
    private static async Task<(RunningNode A, RunningNode B, RunningNode C)> StartThreeAsync(TestCluster cluster)
    {
        var (a, b, c) = (await cluster.StartAsync("a"), await cluster.StartAsync("b"), await cluster.StartAsync("c"));
        foreach (var node in new[] { a, b, c })
            await cluster.UntilAsync(() => node.Node.Members.Length == 3, "three members");
        return (a, b, c);
    }

    [Fact]
    public async Task A_draining_node_gets_nothing_new_and_everybody_knows()
    {
        await using var cluster = new TestCluster();
        var (a, b, c) = await StartThreeAsync(cluster);
        a.Node.BeginDrain();
        foreach (var node in new[] { a, b, c })
            await cluster.UntilAsync(() => node.Node.Members.Single(member => member.Name == "a").Status == "draining", "known");

        Assert.True(a.Node.IsDraining);
        foreach (var node in new[] { a, b, c })
        {
            Assert.NotEqual("a", node.Node.LeastLoaded());
            foreach (var id in Enumerable.Range(0, 20).Select(number => $"log {number}"))
                Assert.NotEqual("a", node.Node.PlaceFor(id));
        }
        await Assert.ThrowsAsync<InvalidOperationException>(() => a.Node.CreateAsync("here", Bytes("s"), default, Stop));
        for (var i = 0; i < 5; i++)
        {
            var making = b.Node.CreateAsync($"{i}", Bytes("s"), default, Stop);
            await cluster.UntilAsync(() => making.IsCompleted, "made");
            Assert.Equal("c", (await making).Standby);
        }
    }

    [Fact]
    public async Task A_key_has_one_place_on_every_node()
    {
        await using var cluster = new TestCluster();
        var (a, b, c) = await StartThreeAsync(cluster);
        var places = Enumerable
            .Range(0, 30)
            .Select(number => $"log {number}")
            .Select(id => new[] { a, b, c }.Select(node => node.Node.PlaceFor(id)).Distinct().Single());
        Assert.Equal(3, places.Distinct().Count());
    }

    [Fact]
    public async Task A_log_goes_to_a_node_that_stays_even_if_its_standby_drains_too()
    {
        await using var cluster = new TestCluster();
        var (a, b, c) = await StartThreeAsync(cluster);
        var making = a.Node.CreateAsync("one", Bytes("s"), default, Stop);
        await cluster.UntilAsync(() => making.IsCompleted, "made");
        var standby = (await making).Standby == "b" ? b : c;
        var third = standby == b ? c : b;

        standby.Node.BeginDrain();
        a.Node.BeginDrain();
        await cluster.UntilAsync(() => a.Node.Members.Count(member => member.Status == "draining") == 2, "known");
        var handing = a.Node.HandOverAsync("one", Stop);
        await cluster.UntilAsync(() => handing.IsCompleted, "handed over");
        await handing;

        foreach (var node in new[] { a, b, c })
        {
            await cluster.UntilAsync(() => node.Node.Logs.TryGetValue("one", out var log) && log.Owner == third.Node.Self, "listed at its new owner");
        }
        third.Node.BeginDrain();
        await cluster.UntilAsync(() => third.Node.Members.All(member => member.Status == "draining"), "known");
        await Assert.ThrowsAsync<InvalidOperationException>(() => third.Node.HandOverAsync("one", Stop));
    }

    [Fact]
    public void A_log_whose_nodes_are_both_gone_is_away_until_one_of_them_returns()
    {
        var entry = new TableEntry("one", true, new CopyState([new Segment(1, 1, 0, Certain: true)], 0, AsOwner: true), "b", Bytes("info"));
        var registry = new Registry("c");
        registry.Apply("a", new LogMessage.Table(true, [entry], [], []));
        registry.Publish();

        registry.RemoveNode("a", node => node is "b" or "c", TimeSpan.FromSeconds(1));
        registry.Publish();
        Assert.Contains("one", registry.Logs);
        registry.RemoveNode("b", node => node == "c", TimeSpan.FromSeconds(1));
        registry.ExpireOrphans(TimeSpan.FromSeconds(2) + Registry.OrphanTime);
        registry.Publish();

        Assert.DoesNotContain("one", registry.Logs);
        Assert.Equal(("a", "b"), (registry.Away["one"].Owner, registry.Away["one"].Standby));
        registry.Apply("b", new LogMessage.Table(true, [entry with { Standby = "c" }], [], []));
        registry.Publish();
        Assert.Equal("b", registry.Logs["one"].Owner);
        Assert.Empty(registry.Away);
        registry.RemoveNode("b", _ => false, TimeSpan.FromSeconds(30));
        registry.Publish();
        Assert.Contains("one", registry.Away);
        registry.Forget("one");
        registry.Publish();
        Assert.Empty(registry.Away);
    }
}
