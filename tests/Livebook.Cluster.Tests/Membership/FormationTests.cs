using Livebook.Cluster.Membership;
using Livebook.Drill.Nodes;

namespace Livebook.Cluster.Tests.Membership;

public sealed class FormationTests
{
    private const string A = "livebook@127.0.0.2";
    private const string B = "livebook@127.0.0.3";
    private const string C = "livebook@127.0.0.4";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_node_without_a_query_is_alone_and_talks_to_itself()
    {
        await using var a = await Watched.StartAsync("livebook@127.0.0.1", 1, null);

        await a.SeesAsync(NodeStatus.Alone, "livebook@127.0.0.1");
        await a.HappensAsync(e => e is MeshEvent.Up { Member.Name: "livebook@127.0.0.1" }, "its own Up");
        a.Tell("livebook@127.0.0.1", "one");
        a.Tell("nobody@127.0.0.9", "lost");
        a.Tell("livebook@127.0.0.1", "two");
        await a.UntilAsync(() => a.Messages.Count == 2, "two messages");
        Assert.Equal([("livebook@127.0.0.1", "one"), ("livebook@127.0.0.1", "two")], a.Messages);
    }

    [Fact]
    public async Task Three_nodes_form_one_cluster_survive_a_kill_and_take_the_restarted_node_back()
    {
        await using var dns = new TinyDns("127.0.0.2", "127.0.0.3", "127.0.0.4");
        var port = Watched.FreePort();
        await using var a = await Watched.StartAsync(A, port, dns);
        await using var b = await Watched.StartAsync(B, port, dns);
        await using var first = new ProbeProcess(C, port, dns);
        await a.SeesAsync(NodeStatus.Member, A, B, C);
        await b.SeesAsync(NodeStatus.Member, B, A, C);
        var old = a.Mesh.Members.Single(member => member.Name == C);
        Assert.Equal("probe", old.Version);
        Assert.Equal("127.0.0.4", old.Address);

        first.Kill();

        await a.HappensAsync(e => e is MeshEvent.Downed { Member: var member } && member.Incarnation == old.Incarnation, "the killed node's Downed");
        await b.HappensAsync(e => e is MeshEvent.Downed { Member: var member } && member.Incarnation == old.Incarnation, "the killed node's Downed");
        // By its closed port: nobody had to wait until it was missed.
        Assert.DoesNotContain(a.Events, e => e is MeshEvent.Suspected);
        await a.SeesAsync(NodeStatus.Member, A, B);

        await using var second = new ProbeProcess(C, port, dns);
        await a.SeesAsync(NodeStatus.Member, A, B, C);
        await b.SeesAsync(NodeStatus.Member, B, A, C);
        Assert.NotEqual(old.Incarnation, a.Mesh.Members.Single(member => member.Name == C).Incarnation);
    }

    [Fact]
    public async Task A_node_that_leaves_is_out_at_once_and_the_last_one_is_alone()
    {
        await using var dns = new TinyDns("127.0.0.2", "127.0.0.3");
        var port = Watched.FreePort();
        await using var b = await Watched.StartAsync(B, port, dns);
        await using (var a = await Watched.StartAsync(A, port, dns))
        {
            await b.SeesAsync(NodeStatus.Member, B, A);
        }

        await b.SeesAsync(NodeStatus.Alone, B);
        Assert.Contains(b.Events, e => e is MeshEvent.Downed { Member.Name: A });
        Assert.DoesNotContain(b.Events, e => e is MeshEvent.Expelled or MeshEvent.Suspected);
    }

    [Fact]
    public async Task Two_islands_merge_and_the_port_stays_open_meanwhile()
    {
        await using var dnsA = new TinyDns("127.0.0.2");
        await using var dnsB = new TinyDns("127.0.0.3");
        var port = Watched.FreePort();
        await using var a = await Watched.StartAsync(A, port, dnsA);
        await using var b = await Watched.StartAsync(B, port, dnsB);
        await a.SeesAsync(NodeStatus.Alone, A);
        await b.SeesAsync(NodeStatus.Alone, B);
        var before = b.Mesh.Members[0].Incarnation;
        using var knocking = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var refused = Knocking.CountRefusedAsync("127.0.0.3", port, knocking.Token);

        dnsA.Answer("127.0.0.2", "127.0.0.3");
        dnsB.Answer("127.0.0.2", "127.0.0.3");

        await b.HappensAsync(e => e is MeshEvent.Expelled, "the higher one of two equal islands to yield");
        await b.SeesAsync(NodeStatus.Member, B, A);
        await a.SeesAsync(NodeStatus.Member, A, B);
        await knocking.CancelAsync();
        Assert.Equal(0, await refused);
        Assert.DoesNotContain(a.Events, e => e is MeshEvent.Expelled);
        Assert.NotEqual(before, b.Mesh.Members[0].Incarnation);
        Assert.Equal(2, b.Events.Count(e => e is MeshEvent.Up { Member.Name: B }));
    }
}
