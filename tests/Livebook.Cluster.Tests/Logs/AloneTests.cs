using Livebook.Cluster.Logs;
using static Livebook.Cluster.Tests.Logs.TestCluster;

namespace Livebook.Cluster.Tests.Logs;

public sealed class AloneTests
{
    [Fact]
    public async Task What_a_lone_node_acknowledged_is_there_after_it_was_killed()
    {
        await using var cluster = new TestCluster();
        var node = await cluster.StartAsync("a", alone: true);
        var log = await node.Node.CreateAsync("one", Bytes("snap"), Bytes("info"), Stop);
        await log.AppendAsync([Bytes("x"), Bytes("y")], Stop);
        await log.AppendAsync([Bytes("z")], Stop);
        Assert.Equal(("a", "info", 1L), (node.Node.Logs["one"].Owner, Text(node.Node.Logs["one"].Info), log.Epoch));

        await cluster.KillAsync("a");
        node = await cluster.StartAsync("a", alone: true);
        await cluster.UntilAsync(() => node.Host.Owned.ContainsKey("one"), "adopted");

        Assert.Equal("snap x y z", Text(node.Host.Contents["one"]));
        Assert.Equal(["adopt one Restarted 2"], node.Host.Story);
        Assert.Equal(2, node.Node.Logs["one"].Epoch);
        await node.Host.Owned["one"].AppendAsync([Bytes("w")], Stop);
    }

    /// <summary>Row 7: pages of a cluster that was killed whole come back to the first node that is up, before those that have the copies.</summary>
    [Fact]
    public async Task The_first_node_of_a_cluster_does_not_say_that_a_log_is_gone_before_others_had_time_to_come()
    {
        await using var cluster = new TestCluster();
        var from = cluster.Time.GetTimestamp();
        var node = await cluster.StartAsync("a", query: "nodes");
        await cluster.UntilAsync(() => node.Node.Status == NodeStatus.Member, "a member");
        Assert.True(node.Node.MayExist("one"));
        await cluster.UntilAsync(() => !node.Node.MayExist("one"), "informed");
        Assert.True(cluster.Time.GetElapsedTime(from) >= LogKeeper.StandbyGrace);
    }

    [Fact]
    public async Task A_compacted_log_comes_back_as_its_snapshot_and_what_followed()
    {
        await using var cluster = new TestCluster();
        var node = await cluster.StartAsync("a", alone: true);
        var log = await node.Node.CreateAsync("one", Bytes("s0"), default, Stop);
        await log.AppendAsync([Bytes("x"), Bytes("y")], Stop);
        await log.CompactAsync(Bytes("s2"), Stop);
        await log.AppendAsync([Bytes("z")], Stop);
        await cluster.KillAsync("a");
        node = await cluster.StartAsync("a", alone: true);
        await cluster.UntilAsync(() => node.Host.Owned.ContainsKey("one"), "adopted");
        Assert.Equal("s2 z", Text(node.Host.Contents["one"]));
    }

    [Fact]
    public async Task A_deleted_log_stays_deleted_and_its_id_can_be_used_again()
    {
        await using var cluster = new TestCluster();
        var node = await cluster.StartAsync("a", alone: true);
        var log = await node.Node.CreateAsync("one", Bytes("s0"), default, Stop);
        await log.DeleteAsync(Stop);
        Assert.False(File.Exists(cluster.LogFile("a", "one")));
        await Assert.ThrowsAsync<OwnershipLostException>(() => log.AppendAsync([Bytes("x")], Stop));
        var again = await node.Node.CreateAsync("one", Bytes("s1"), default, Stop);
        Assert.Equal(2, again.Epoch);
        await cluster.KillAsync("a");
        node = await cluster.StartAsync("a", alone: true);
        await cluster.UntilAsync(() => node.Host.Owned.ContainsKey("one"), "adopted");
        Assert.Equal("s1", Text(node.Host.Contents["one"]));
    }

    [Fact]
    public async Task Two_logs_cannot_have_one_id()
    {
        await using var cluster = new TestCluster();
        var node = await cluster.StartAsync("a", alone: true);
        await node.Node.CreateAsync("one", Bytes("s0"), default, Stop);
        await Assert.ThrowsAsync<InvalidOperationException>(() => node.Node.CreateAsync("one", Bytes("s0"), default, Stop));
    }

    [Fact]
    public async Task A_disk_that_refuses_is_told_to_the_caller_and_the_entries_are_not_kept()
    {
        await using var cluster = new TestCluster();
        var node = await cluster.StartAsync("a", alone: true);
        var log = await node.Node.CreateAsync("one", Bytes("s0"), default, Stop);
        await log.AppendAsync([Bytes("x")], Stop);
        var logs = Path.Combine(cluster.DataPath("a"), "logs");
        var moved = logs + "-away";
        // The open file goes on; a rewrite, which compaction is, needs the directory.
        Directory.Move(logs, moved);
        await Assert.ThrowsAsync<IOException>(() => log.CompactAsync(Bytes("s1"), Stop));
        await Assert.ThrowsAsync<IOException>(() => log.AppendAsync([Bytes("lost")], Stop));
        Directory.Move(moved, logs);
        // A rewrite that began without the directory may still be failing, and takes what came meanwhile with it.
        while (await Record.ExceptionAsync(() => log.AppendAsync([Bytes("y")], Stop)) is IOException)
            await Task.Yield();
        await cluster.KillAsync("a");
        node = await cluster.StartAsync("a", alone: true);
        await cluster.UntilAsync(() => node.Host.Owned.ContainsKey("one"), "adopted");
        Assert.Equal("s1 y", Text(node.Host.Contents["one"]));
    }

    [Fact]
    public async Task A_clean_end_writes_everything()
    {
        await using var cluster = new TestCluster();
        var node = await cluster.StartAsync("a", alone: true);
        var log = await node.Node.CreateAsync("one", Bytes("s0"), default, Stop);
        var appended = log.AppendAsync([Bytes("x")], Stop);
        await cluster.StopAsync("a");
        await Record.ExceptionAsync(() => appended);
        node = await cluster.StartAsync("a", alone: true);
        await cluster.UntilAsync(() => node.Host.Owned.ContainsKey("one"), "adopted");
        Assert.Equal("s0 x", Text(node.Host.Contents["one"]));
    }
}
