using Livebook.Cluster.Membership;
using Livebook.Drill.Nodes;

namespace Livebook.Cluster.Tests.Membership;

public sealed class MinorityTests
{
    private const string A = "livebook@127.0.0.2";
    private const string B = "livebook@127.0.0.3";
    private const string C = "livebook@127.0.0.4";

    [Fact]
    public async Task A_frozen_lowest_address_leaves_the_other_read_only_until_it_thaws()
    {
        await using var dns = new TinyDns("127.0.0.2", "127.0.0.3");
        var port = Watched.FreePort();
        await using var a = new ProbeProcess(A, port, dns);
        await using var b = await Watched.StartAsync(B, port, dns);
        await b.SeesAsync(NodeStatus.Member, B, A);

        a.Freeze();
        await b.HappensAsync(e => e is MeshEvent.Suspected { Member.Name: A }, "the frozen node to be suspected");
        await b.HappensAsync(e => e is MeshEvent.Expelled, "the loss of the majority");
        Assert.Equal(NodeStatus.Minority, b.Mesh.Status);
        Assert.False(b.Mesh.Members.Single(member => member.Name == A).Reachable);

        a.Thaw();
        await b.SeesAsync(NodeStatus.Member, B, A);
        await b.HappensAsync(e => e is MeshEvent.Trusted { Member.Name: A }, "the thawed node to be trusted");
        Assert.Equal(2, b.Events.Count(e => e is MeshEvent.Up { Member.Name: B }));
    }

    [Fact]
    public async Task Whoever_was_promoted_is_alone_and_the_thawed_node_joins_it_anew()
    {
        await using var dns = new TinyDns("127.0.0.2", "127.0.0.3");
        var port = Watched.FreePort();
        await using var a = new ProbeProcess(A, port, dns);
        await using var b = await Watched.StartAsync(B, port, dns);
        await b.SeesAsync(NodeStatus.Member, B, A);
        a.Freeze();
        await b.UntilAsync(() => b.Mesh.Status == NodeStatus.Minority, "the loss of the majority");

        await b.Mesh.PromoteAsync(TestContext.Current.CancellationToken);

        await b.SeesAsync(NodeStatus.Alone, B);
        var events = b.Events;
        Assert.IsType<MeshEvent.Downed>(events.Last(e => e is MeshEvent.Up or MeshEvent.Downed && e is not MeshEvent.Up { Member.Name: B }));
        a.Thaw();
        await a.SaysAsync($"expelled {A} Joining");
        // Who is put out must not take the others for dead.
        Assert.DoesNotContain(a.Lines, line => line.StartsWith($"downed {B}", StringComparison.Ordinal));
        await b.SeesAsync(NodeStatus.Member, B, A);
    }

    [Fact]
    public async Task A_frozen_node_of_three_is_put_out_and_comes_back_as_a_new_incarnation()
    {
        await using var dns = new TinyDns("127.0.0.2", "127.0.0.3", "127.0.0.4");
        var port = Watched.FreePort();
        await using var a = new ProbeProcess(A, port, dns);
        await using var b = await Watched.StartAsync(B, port, dns);
        await using var c = await Watched.StartAsync(C, port, dns);
        await b.SeesAsync(NodeStatus.Member, B, A, C);
        await c.SeesAsync(NodeStatus.Member, C, A, B);
        await a.SaysAsync($"up {C} Member");
        var old = b.Mesh.Members.Single(member => member.Name == A).Incarnation;

        a.Freeze();
        await b.SeesAsync(NodeStatus.Member, B, C);
        await c.SeesAsync(NodeStatus.Member, C, B);

        a.Thaw();
        await a.SaysAsync($"expelled {A} Joining");
        await b.SeesAsync(NodeStatus.Member, B, A, C);
        Assert.NotEqual(old, b.Mesh.Members.Single(member => member.Name == A).Incarnation);
        Assert.DoesNotContain(b.Events, e => e is MeshEvent.Expelled);
    }

    [Fact]
    public async Task A_good_answer_that_omits_the_silent_node_ends_the_minority()
    {
        await using var dns = new TinyDns("127.0.0.2", "127.0.0.3");
        var port = Watched.FreePort();
        await using var a = new ProbeProcess(A, port, dns);
        await using var b = await Watched.StartAsync(B, port, dns);
        await b.SeesAsync(NodeStatus.Member, B, A);
        a.Freeze();
        await b.UntilAsync(() => b.Mesh.Status == NodeStatus.Minority, "the loss of the majority");
        dns.Fail(2);
        await b.UntilAsync(() => b.Mesh.Discovery.Error is not null, "the failure to show");
        Assert.Equal(["127.0.0.2", "127.0.0.3"], b.Mesh.Discovery.LastAnswer);
        Assert.Equal(NodeStatus.Minority, b.Mesh.Status);

        dns.Answer("127.0.0.3");

        await b.SeesAsync(NodeStatus.Alone, B);
        await b.HappensAsync(e => e is MeshEvent.Downed { Member.Name: A }, "the silent node's Downed");
    }
}
