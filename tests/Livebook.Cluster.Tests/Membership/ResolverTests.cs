using Livebook.Cluster.Membership;

namespace Livebook.Cluster.Tests.Membership;

/// <summary>What name servers do must never break a healthy cluster, and less than a whole answer must be enough to form one (rows 2, 14 to 17).</summary>
public sealed class ResolverTests
{
    private const string A = "livebook@127.0.0.2";
    private const string B = "livebook@127.0.0.3";

    [Fact] // row 2
    public async Task Answers_that_never_name_everybody_still_form_one_cluster()
    {
        string[] addresses = ["127.0.81.2", "127.0.81.3", "127.0.81.4", "127.0.81.5"];
        await using var dns = new TinyDns(addresses);
        dns.AnswerAtMost(2);
        var port = Watched.FreePort();
        var nodes = await Task.WhenAll(addresses.Select(address => Watched.StartAsync($"livebook@{address}", port, dns)));
        foreach (var node in nodes)
        {
            await node.UntilAsync(() => node.Mesh is { Status: NodeStatus.Member, Members.Length: 4 }, "all four");
        }
        await Task.WhenAll(nodes.Select(node => node.DisposeAsync().AsTask()));
    }

    [Fact] // row 2
    public async Task A_node_that_DNS_shows_only_to_itself_is_found_by_the_others()
    {
        await using var both = new TinyDns("127.0.0.2", "127.0.0.3");
        await using var itself = new TinyDns("127.0.0.3");
        var port = Watched.FreePort();
        await using var a = await Watched.StartAsync(A, port, both);
        await using var b = await Watched.StartAsync(B, port, itself);
        await a.SeesAsync(NodeStatus.Member, A, B);
        await b.SeesAsync(NodeStatus.Member, B, A);
    }

    [Theory] // rows 14 and 15
    [InlineData(true)]
    [InlineData(false)]
    public async Task Names_that_come_and_go_or_never_come_again_leave_a_cluster_alone(bool flaps)
    {
        await using var dns = new TinyDns("127.0.0.2", "127.0.0.3");
        var port = Watched.FreePort();
        var log = new LogLines();
        await using var a = new Watched(A, port, dns, loggers: log);
        await a.Mesh.StartAsync(TestContext.Current.CancellationToken);
        await using var b = await Watched.StartAsync(B, port, dns);
        await a.SeesAsync(NodeStatus.Member, A, B);
        await b.SeesAsync(NodeStatus.Member, B, A);
        for (var round = 0; flaps && round < 2; round++)
        {
            dns.Fail(3);
            await a.UntilAsync(() => a.Mesh.Discovery.Error is not null, "the failed answer");
            dns.Answer("127.0.0.2");
            await a.UntilAsync(() => a.Mesh.Discovery is { Error: null, LastAnswer.Length: 1 }, "the answer without the other one");
        }
        dns.Silence();
        await a.UntilAsync(
            () => a.Mesh.Discovery.Error is { } error && error.StartsWith("cannot resolve, retrying: ", StringComparison.Ordinal),
            "the silence"
        );

        b.Tell(A, "still there");
        await a.UntilAsync(() => a.Messages.Contains((B, "still there")), "a message");
        Assert.Equal((NodeStatus.Member, NodeStatus.Member), (a.Mesh.Status, b.Mesh.Status));
        Assert.DoesNotContain(a.Events.Concat(b.Events), e => e is MeshEvent.Suspected or MeshEvent.Downed or MeshEvent.Expelled);
        var complaints = log.Lines.Where(line => line.Contains("cannot resolve", StringComparison.Ordinal)).ToArray();
        Assert.Equal(complaints.Distinct(), complaints);
        Assert.Single(log.Lines, line => line.StartsWith("Discovery names", StringComparison.Ordinal));
    }

    [Fact] // row 15
    public async Task A_new_node_without_a_resolver_says_so_and_founds_nothing()
    {
        await using var dns = new TinyDns();
        dns.Fail(2);
        await using var a = await Watched.StartAsync(A, Watched.FreePort(), dns);
        await a.UntilAsync(() => a.Mesh.Discovery.Error?.StartsWith("cannot resolve, retrying: nodes.test", StringComparison.Ordinal) == true, "the reason");
        Assert.Equal(NodeStatus.Joining, a.Mesh.Status);
    }

    [Fact] // row 15
    public async Task A_node_that_was_a_member_finds_the_others_while_DNS_is_down()
    {
        var data = Directory.CreateTempSubdirectory("livebook-members-");
        await using var dns = new TinyDns("127.0.0.2", "127.0.0.3");
        var port = Watched.FreePort();
        await using var a = await Watched.StartAsync(A, port, dns);
        await using (var b = await Watched.StartAsync(B, port, dns, change: options => options with { DataPath = data.FullName }))
        {
            await b.SeesAsync(NodeStatus.Member, B, A);
            await b.UntilAsync(() => File.Exists(Path.Combine(data.FullName, "last-members")), "the list on disk");
        }
        dns.Fail(2);
        await using (var again = await Watched.StartAsync(B, port, dns, change: options => options with { DataPath = data.FullName }))
        {
            await again.SeesAsync(NodeStatus.Member, B, A);
        }
        data.Delete(recursive: true);
    }

    [Fact] // row 17
    public async Task A_node_is_the_same_however_its_address_is_written()
    {
        await using var dns = new TinyDns("::1", "::ffff:127.0.0.2");
        await using var a = await Watched.StartAsync("livebook@0:0::0001", Watched.FreePort(), dns, change: options => options with { Ipv6 = true });
        await a.UntilAsync(() => a.Mesh is { Status: NodeStatus.Alone, Members: [{ Address: "::1" }] }, "its own cluster");
        Assert.Equal(["::1"], a.Mesh.Discovery.LastAnswer);
    }

    [Fact]
    public async Task Nodes_of_one_cluster_name_join_whatever_stands_before_their_address()
    {
        await using var dns = new TinyDns("127.0.0.2", "127.0.0.3");
        var port = Watched.FreePort();
        await using var a = await Watched.StartAsync("app-1@127.0.0.2", port, dns, change: options => options with { ClusterName = "app" });
        await using var b = await Watched.StartAsync("app-2@127.0.0.3", port, dns, change: options => options with { ClusterName = "app" });
        await a.SeesAsync(NodeStatus.Member, "app-1@127.0.0.2", "app-2@127.0.0.3");
    }
}
