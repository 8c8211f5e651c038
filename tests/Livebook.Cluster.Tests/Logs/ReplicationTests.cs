using static Livebook.Cluster.Tests.Logs.TestCluster;

namespace Livebook.Cluster.Tests.Logs;

public sealed class ReplicationTests
{
    [Fact]
    public async Task When_the_owner_dies_its_standby_goes_on_with_everything_acknowledged()
    {
        await using var cluster = new TestCluster();
        var (a, b) = (await cluster.StartAsync("a"), await cluster.StartAsync("b"));
        var c = await cluster.StartAsync("c");
        await cluster.UntilAsync(() => a.Node.Members.Length == 3 && c.Node.Members.Length == 3, "three members");
        var log = await a.Node.CreateAsync("one", Bytes("s"), Bytes("i"), Stop);
        await log.AppendAsync([Bytes("x"), Bytes("y")], Stop);
        var standby = log.Standby!;
        await cluster.UntilAsync(() => cluster.Running.All(node => node.Node.Logs.GetValueOrDefault("one")?.Standby == standby), "listed everywhere");

        await cluster.KillAsync("a");
        await cluster.UntilAsync(() => cluster[standby].Host.Owned.ContainsKey("one"), "taken over");
        Assert.Equal("s x y", Text(cluster[standby].Host.Contents["one"]));
        Assert.Equal([$"adopt one Failover 2"], cluster[standby].Host.Story);
        await cluster.UntilAsync(() => cluster.Running.All(node => node.Node.Logs.GetValueOrDefault("one")?.Owner == standby), "listed everywhere");
        Assert.Equal("i", Text(c.Node.Logs["one"].Info));

        var owned = cluster[standby].Host.Owned["one"];
        await owned.AppendAsync([Bytes("z")], Stop);
        var third = standby == "b" ? "c" : "b";
        Assert.Equal(third, owned.Standby);
        await cluster.KillAsync(standby);
        await cluster.UntilAsync(() => cluster[third].Host.Owned.ContainsKey("one"), "taken over again");
        Assert.Equal("s x y z", Text(cluster[third].Host.Contents["one"]));
        _ = b;
    }

    [Fact]
    public async Task A_late_owner_that_was_replaced_drops_its_copy()
    {
        await using var cluster = new TestCluster();
        var (a, b) = (await cluster.StartAsync("a"), await cluster.StartAsync("b"));
        await cluster.UntilAsync(() => a.Node.Members.Length == 2 && b.Node.Members.Length == 2, "two members");
        var log = await a.Node.CreateAsync("one", Bytes("s"), default, Stop);
        await log.AppendAsync([Bytes("x")], Stop);
        await cluster.KillAsync("a");
        await cluster.UntilAsync(() => b.Host.Owned.ContainsKey("one"), "taken over");
        await b.Host.Owned["one"].AppendAsync([Bytes("y")], Stop);

        a = await cluster.StartAsync("a");
        await cluster.UntilAsync(() => b.Host.Owned["one"].Standby == "a" && a.Node.Logs.GetValueOrDefault("one")?.Owner == "b", "a stands by");
        await b.Host.Owned["one"].AppendAsync([Bytes("z")], Stop);
        Assert.Empty(a.Host.Story);
        await cluster.KillAsync("b");
        await cluster.UntilAsync(() => a.Host.Owned.ContainsKey("one"), "back at a");
        Assert.Equal("s x y z", Text(a.Host.Contents["one"]));
        Assert.Equal(3, a.Host.Owned["one"].Epoch);
    }

    [Fact]
    public async Task Nothing_is_acknowledged_while_the_standby_is_suspected_and_all_of_it_when_it_is_downed()
    {
        await using var cluster = new TestCluster();
        var (a, b) = (await cluster.StartAsync("a"), await cluster.StartAsync("b"));
        await cluster.UntilAsync(() => a.Node.Members.Length == 2 && b.Node.Members.Length == 2, "two members");
        var log = await a.Node.CreateAsync("one", Bytes("s"), default, Stop);
        cluster.Network.Cut(["a"], ["b"]);
        var append = log.AppendAsync([Bytes("x")], Stop);
        cluster.Time.Advance(TimeSpan.FromSeconds(30));
        await a.Node.RequestAsync("a", "none", default, Stop).ContinueWith(_ => { }, Stop);
        Assert.False(append.IsCompleted);
        cluster.Network.Judge(["b"]);
        await append;
        Assert.Null(log.Standby);
        cluster.Network.Heal();
        await cluster.UntilAsync(() => log.Standby == "b", "b stands by again");
        await log.AppendAsync([Bytes("y")], Stop);
        await cluster.KillAsync("a");
        await cluster.UntilAsync(() => b.Host.Owned.ContainsKey("one"), "taken over");
        Assert.Equal("s x y", Text(b.Host.Contents["one"]));
    }

    [Fact]
    public async Task An_expelled_owner_loses_what_others_took_over_and_its_pending_appends_say_so()
    {
        await using var cluster = new TestCluster();
        var (a, _, _) = (await cluster.StartAsync("a"), await cluster.StartAsync("b"), await cluster.StartAsync("c"));
        await cluster.UntilAsync(() => cluster.Running.All(node => node.Node.Members.Length == 3), "three members");
        var log = await a.Node.CreateAsync("one", Bytes("s"), default, Stop);
        await log.AppendAsync([Bytes("x")], Stop);
        cluster.Network.Cut(["a"], ["b", "c"]);
        var pending = log.AppendAsync([Bytes("lost")], Stop);
        cluster.Network.Judge(["a"]);
        await cluster.UntilAsync(() => cluster["b"].Host.Owned.ContainsKey("one") || cluster["c"].Host.Owned.ContainsKey("one"), "taken over");
        Assert.False(pending.IsCompleted);
        Assert.Equal(NodeStatus.Minority, a.Node.Status);
        await Assert.ThrowsAsync<InvalidOperationException>(() => a.Node.CreateAsync("two", default, default, Stop));
        cluster.Network.Heal();
        await cluster.UntilAsync(() => pending.IsCompleted, "the pending append is answered");
        await Assert.ThrowsAsync<OwnershipLostException>(() => pending);
        await cluster.UntilAsync(() => a.Host.Story.Contains("release one Fenced"), "released");
        var owner = cluster.Running.Single(node => node.Host.Owned.ContainsKey("one"));
        Assert.Equal("s x", Text(owner.Host.Contents["one"]));
    }

    [Fact]
    public async Task An_expelled_owner_whose_log_nobody_took_goes_on_with_it()
    {
        await using var cluster = new TestCluster();
        foreach (var name in new[] { "a", "b", "c", "d", "e" })
        {
            await cluster.StartAsync(name);
        }
        await cluster.UntilAsync(() => cluster.Running.All(node => node.Node.Members.Length == 5), "five members");
        var log = await cluster["a"].Node.CreateAsync("one", Bytes("s"), default, Stop);
        string[] losers = ["a", log.Standby!];
        cluster.Network.Cut(losers, [.. cluster.Running.Select(node => node.Node.Self).Except(losers)]);
        cluster.Network.Judge(losers);
        var pending = log.AppendAsync([Bytes("x")], Stop);
        cluster.Time.Advance(TimeSpan.FromSeconds(30));
        cluster.Network.Heal();
        await cluster.UntilAsync(() => pending.IsCompleted, "acknowledged after the return");
        await pending;
        Assert.Equal(1, log.Epoch);
        Assert.Empty(cluster["a"].Host.Story);
        await cluster.UntilAsync(() => cluster.Running.All(node => node.Node.Logs.GetValueOrDefault("one")?.Owner == "a"), "listed everywhere");
    }

    [Theory]
    [InlineData("a", "b")]
    [InlineData("b", "a")]
    public async Task After_all_nodes_died_each_log_comes_back_once(string first, string second)
    {
        await using var cluster = new TestCluster();
        var (a, b) = (await cluster.StartAsync("a"), await cluster.StartAsync("b"));
        await cluster.UntilAsync(() => a.Node.Members.Length == 2 && b.Node.Members.Length == 2, "two members");
        for (var i = 0; i < 5; i++)
        {
            var log = await a.Node.CreateAsync($"log{i}", Bytes("s"), default, Stop);
            await log.AppendAsync([Bytes("x"), Bytes("y")], Stop);
        }
        await cluster.UntilAsync(
            () => Enumerable.Range(0, 5).All(i => cluster.LastOnDisk("a", $"log{i}") == 2 && cluster.LastOnDisk("b", $"log{i}") == 2),
            "on both disks"
        );
        await cluster.KillAsync("a");
        await cluster.KillAsync("b");
        // Both died at once: b never took over.
        await cluster.StartAsync(first);
        await cluster.UntilAsync(() => cluster[first].Host.Owned.Count == 5, "adopted by the first");
        await cluster.StartAsync(second);
        await cluster.UntilAsync(() => cluster[first].Host.Owned.Values.All(log => log.Standby == second), "the second stands by");
        Assert.Empty(cluster[second].Host.Story);
        Assert.All(cluster[first].Host.Contents.Values, contents => Assert.Equal("s x y", Text(contents)));
    }

    [Fact]
    public async Task What_an_owner_acknowledged_alone_wins_over_the_stale_copy_that_started_first()
    {
        await using var cluster = new TestCluster();
        var (a, b) = (await cluster.StartAsync("a"), await cluster.StartAsync("b"));
        await cluster.UntilAsync(() => a.Node.Members.Length == 2 && b.Node.Members.Length == 2, "two members");
        var log = await a.Node.CreateAsync("one", Bytes("s"), default, Stop);
        await log.AppendAsync([Bytes("x")], Stop);
        await cluster.UntilAsync(() => File.Exists(cluster.LogFile("b", "one")), "on b's disk");
        await cluster.StopAsync("b");
        await cluster.UntilAsync(() => log.Standby is null, "alone");
        await log.AppendAsync([Bytes("alone")], Stop);
        await cluster.KillAsync("a");

        b = await cluster.StartAsync("b");
        await cluster.UntilAsync(() => b.Host.Owned.ContainsKey("one"), "b adopts what it has");
        Assert.Equal("s x", Text(b.Host.Contents["one"]));
        a = await cluster.StartAsync("a");
        await cluster.UntilAsync(() => a.Host.Owned.ContainsKey("one") && !b.Host.Owned.ContainsKey("one"), "a has more and goes on");
        Assert.Equal("s x alone", Text(a.Host.Contents["one"]));
        Assert.Contains("release one Fenced", b.Host.Story);
        await cluster.UntilAsync(() => a.Host.Owned["one"].Standby == "b", "b stands by");
        await a.Host.Owned["one"].AppendAsync([Bytes("more")], Stop);
    }

    [Fact]
    public async Task Two_histories_that_both_went_on_leave_one_log_and_one_file_aside()
    {
        await using var cluster = new TestCluster();
        var (a, b) = (await cluster.StartAsync("a"), await cluster.StartAsync("b"));
        await cluster.UntilAsync(() => a.Node.Members.Length == 2 && b.Node.Members.Length == 2, "two members");
        var log = await a.Node.CreateAsync("one", Bytes("s"), default, Stop);
        await cluster.UntilAsync(() => File.Exists(cluster.LogFile("b", "one")), "on b's disk");
        await cluster.StopAsync("b");
        await cluster.UntilAsync(() => log.Standby is null, "alone");
        await log.AppendAsync([Bytes("a's")], Stop);
        await cluster.KillAsync("a");
        b = await cluster.StartAsync("b");
        await cluster.UntilAsync(() => b.Host.Owned.ContainsKey("one"), "b adopts");
        await b.Host.Owned["one"].AppendAsync([Bytes("b's")], Stop);
        a = await cluster.StartAsync("a");
        await cluster.UntilAsync(() => b.Host.Owned["one"].Standby == "a", "a gave in");
        Assert.Empty(a.Host.Story);
        await cluster.UntilAsync(() => Directory.GetFiles(Path.Combine(cluster.DataPath("a"), "logs"), "*diverged*").Length == 1, "kept aside");
    }

    [Fact]
    public async Task A_deleted_log_does_not_come_back_with_a_node_that_was_away()
    {
        await using var cluster = new TestCluster();
        var (a, b) = (await cluster.StartAsync("a"), await cluster.StartAsync("b"));
        await cluster.UntilAsync(() => a.Node.Members.Length == 2 && b.Node.Members.Length == 2, "two members");
        var log = await a.Node.CreateAsync("one", Bytes("s"), default, Stop);
        await cluster.UntilAsync(() => File.Exists(cluster.LogFile("b", "one")), "on b's disk");
        await cluster.KillAsync("b");
        await cluster.UntilAsync(() => log.Standby is null, "alone");
        await log.DeleteAsync(Stop);
        Assert.Empty(a.Node.Logs);
        b = await cluster.StartAsync("b");
        await cluster.UntilAsync(() => !File.Exists(cluster.LogFile("b", "one")), "buried");
        Assert.Empty(b.Host.Story);
    }

    [Fact]
    public async Task A_delete_reaches_the_standby_before_it_completes()
    {
        await using var cluster = new TestCluster();
        var (a, b) = (await cluster.StartAsync("a"), await cluster.StartAsync("b"));
        await cluster.UntilAsync(() => a.Node.Members.Length == 2 && b.Node.Members.Length == 2, "two members");
        var log = await a.Node.CreateAsync("one", Bytes("s"), default, Stop);
        await log.DeleteAsync(Stop);
        await cluster.KillAsync("a");
        await cluster.UntilAsync(() => b.Node.Logs.IsEmpty && b.Node.Members.Length == 1, "gone");
        Assert.Empty(b.Host.Story);
    }

    [Fact]
    public async Task Large_snapshots_and_entries_reach_the_standby()
    {
        await using var cluster = new TestCluster();
        var (a, b) = (await cluster.StartAsync("a"), await cluster.StartAsync("b"));
        await cluster.UntilAsync(() => a.Node.Members.Length == 2 && b.Node.Members.Length == 2, "two members");
        var big = new byte[5_000_000];
        new Random(1).NextBytes(big);
        var log = await a.Node.CreateAsync("one", big, default, Stop);
        await log.AppendAsync([big.AsMemory(1), Bytes("x")], Stop);
        await log.CompactAsync(big.AsMemory(2), Stop);
        await log.AppendAsync([Bytes("y"), big.AsMemory(3)], Stop);
        await cluster.KillAsync("a");
        await cluster.UntilAsync(() => b.Host.Owned.ContainsKey("one"), "taken over");
        var contents = b.Host.Contents["one"];
        Assert.True(contents.Snapshot.Span.SequenceEqual(big.AsSpan(2)) || contents.Snapshot.Span.SequenceEqual(big));
        Assert.True(contents.Entries[^1].Span.SequenceEqual(big.AsSpan(3)));
        Assert.Equal("y", Text(contents.Entries[^2]));
    }

    [Fact]
    public async Task A_log_is_handed_to_its_standby_with_everything()
    {
        await using var cluster = new TestCluster();
        var (a, b) = (await cluster.StartAsync("a"), await cluster.StartAsync("b"));
        await cluster.UntilAsync(() => a.Node.Members.Length == 2 && b.Node.Members.Length == 2, "two members");
        var log = await a.Node.CreateAsync("one", Bytes("s"), default, Stop);
        var append = log.AppendAsync([Bytes("x")], Stop);
        var handing = a.Node.HandOverAsync("one", Stop);
        await cluster.UntilAsync(() => b.Host.Owned.ContainsKey("one") && b.Host.Owned["one"].Standby == "a", "handed over");
        await cluster.UntilAsync(() => append.IsCompleted, "appended");
        Assert.Equal("s x", Text(b.Host.Contents["one"]));
        Assert.Equal(["adopt one Handover 2"], b.Host.Story);
        await cluster.UntilAsync(() => handing.IsCompleted, "known to be handed over");
        await handing;
        await cluster.UntilAsync(() => !a.Host.Story.IsEmpty, "let go");
        Assert.Equal(["release one Handover"], a.Host.Story);
        var more = b.Host.Owned["one"].AppendAsync([Bytes("y")], Stop);
        await cluster.UntilAsync(() => more.IsCompleted, "appended by the next owner");
    }

    [Fact]
    public async Task New_logs_go_to_the_member_with_the_fewest()
    {
        await using var cluster = new TestCluster();
        var (a, b) = (await cluster.StartAsync("a"), await cluster.StartAsync("b"));
        await cluster.UntilAsync(() => a.Node.Members.Length == 2 && b.Node.Members.Length == 2, "two members");
        Assert.Equal(("a", "b"), (a.Node.LeastLoaded(), b.Node.LeastLoaded()));
        var log = await a.Node.CreateAsync("one", Bytes("s"), default, Stop);
        await cluster.UntilAsync(() => b.Node.Logs.ContainsKey("one"), "listed");
        Assert.Equal(("b", "b"), (a.Node.LeastLoaded(), b.Node.LeastLoaded()));
        log.SetInfo(Bytes("first"));
        log.SetInfo(Bytes("second"));
        await cluster.UntilAsync(() => Text(b.Node.Logs["one"].Info) == "second", "described");
    }
}
