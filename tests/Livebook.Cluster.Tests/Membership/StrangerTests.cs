using System.Net;
using System.Net.Sockets;
using System.Text;
using Livebook.Cluster.Links;
using Livebook.Cluster.Membership;

namespace Livebook.Cluster.Tests.Membership;

public sealed class StrangerTests
{
    private const string A = "livebook@127.0.0.2";
    private const string B = "livebook@127.0.0.3";

    [Theory]
    [InlineData(B, "another", "another LIVEBOOK_COOKIE", "another LIVEBOOK_COOKIE")]
    [InlineData("other@127.0.0.3", "cookie", "another cluster name (other)", "another cluster name (livebook)")]
    public async Task Who_does_not_belong_is_refused_and_both_sides_know_why(string node, string cookie, string seenByA, string seenByB)
    {
        await using var dns = new TinyDns("127.0.0.2", "127.0.0.3");
        var port = Watched.FreePort();
        await using var a = await Watched.StartAsync(A, port, dns);
        await using var b = await Watched.StartAsync(node, port, dns, cookie);

        await a.UntilAsync(() => a.Mesh.Strangers.Any(s => s.Address == "127.0.0.3" && s.Reason == seenByA), "the stranger with the reason");
        await b.UntilAsync(() => b.Mesh.Strangers.Any(s => s.Address == "127.0.0.2" && s.Reason == seenByB), "the stranger with the reason");
        await a.SeesAsync(NodeStatus.Alone, A);
        Assert.Equal(1, a.Mesh.Strangers.Count(s => s.Address == "127.0.0.3"));
    }

    /// <summary>Row 20: the next release speaks this one's protocol, too, and its nodes join one by one.</summary>
    [Fact]
    public async Task A_build_that_announces_the_next_protocol_joins_and_one_that_speaks_only_that_is_told()
    {
        await using var dns = new TinyDns("127.0.0.2", "127.0.0.3", "127.0.0.4");
        var port = Watched.FreePort();
        await using var a = await Watched.StartAsync(A, port, dns);
        await using var next = new ProbeProcess(B, port, dns, protocols: (Hello.LowestSpoken, Hello.HighestSpoken + 1));
        await a.SeesAsync(NodeStatus.Member, A, B);
        a.Tell(B, "hello");
        await next.SaysAsync($"got {A} hello");

        await using var later = new ProbeProcess("livebook@127.0.0.4", port, dns, protocols: (Hello.HighestSpoken + 1, Hello.HighestSpoken + 1));
        var reason = $"speaks protocol {Hello.HighestSpoken + 1}, this node {Hello.LowestSpoken}";
        await a.UntilAsync(() => a.Mesh.Strangers.Any(s => s.Address == "127.0.0.4" && s.Reason == reason), "the stranger with the reason");
        await a.SeesAsync(NodeStatus.Member, A, B);
    }

    [Fact]
    public async Task Another_secret_is_refused_and_both_sides_know_why() // row 19
    {
        await using var dns = new TinyDns("127.0.0.2", "127.0.0.3");
        var port = Watched.FreePort();
        await using var a = await Watched.StartAsync(A, port, dns, keyId: "one");
        await using var b = await Watched.StartAsync(B, port, dns, keyId: "other");

        const string reason = "another LIVEBOOK_SECRET_KEY_BASE";
        await a.UntilAsync(() => a.Mesh.Strangers.Any(s => s is { Address: "127.0.0.3", Reason: reason }), "the stranger with the reason");
        await b.UntilAsync(() => b.Mesh.Strangers.Any(s => s is { Address: "127.0.0.2", Reason: reason }), "the stranger with the reason");
        await a.SeesAsync(NodeStatus.Alone, A);
    }

    [Theory] // row 18
    [InlineData(A, B)]
    [InlineData(B, A)]
    public async Task A_cookie_is_changed_on_one_node_after_the_other_without_a_gap(string first, string second)
    {
        await using var dns = new TinyDns("127.0.0.2", "127.0.0.3");
        var port = Watched.FreePort();
        await using var old = await Watched.StartAsync(first, port, dns, "cookie 1");
        await old.SeesAsync(NodeStatus.Alone, first);
        await using var changed = await Watched.StartAsync(second, port, dns, "cookie 2", previousCookie: "cookie 1");
        await old.SeesAsync(NodeStatus.Member, first, second);
        await changed.SeesAsync(NodeStatus.Member, second, first);
        changed.Tell(first, "from the changed one");
        await old.UntilAsync(() => old.Messages.Contains((second, "from the changed one")), "a message");
        Assert.DoesNotContain(old.Mesh.Strangers, stranger => stranger.Address == second["livebook@".Length..]);
    }

    [Fact]
    public async Task Noise_on_the_port_harms_nobody()
    {
        await using var dns = new TinyDns("127.0.0.2", "127.0.0.3");
        var port = Watched.FreePort();
        await using var a = await Watched.StartAsync(A, port, dns);
        await using var b = await Watched.StartAsync(B, port, dns);
        await a.SeesAsync(NodeStatus.Member, A, B);
        await b.SeesAsync(NodeStatus.Member, B, A);

        var noise = new byte[4096];
        Random.Shared.NextBytes(noise);
        using var silent = new TcpClient();
        await silent.ConnectAsync(IPAddress.Parse("127.0.0.2"), port, TestContext.Current.CancellationToken);
        foreach (var garbage in new[] { "GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), noise, Encoding.UTF8.GetBytes("hello\n"), [] })
        {
            for (var i = 0; i < 50; i++)
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Parse("127.0.0.2"), port, TestContext.Current.CancellationToken);
                await client.GetStream().WriteAsync(garbage, TestContext.Current.CancellationToken);
            }
        }

        await a.UntilAsync(() => a.Mesh.Strangers.Any(s => s is { Address: "127.0.0.1", Reason: "not a Livebook node" }), "the noise to be listed");
        b.Tell(A, "still there");
        await a.UntilAsync(() => a.Messages.Contains((B, "still there")), "a message after the noise");
        Assert.DoesNotContain(a.Events, e => e is MeshEvent.Suspected or MeshEvent.Downed or MeshEvent.Expelled);
    }
}
