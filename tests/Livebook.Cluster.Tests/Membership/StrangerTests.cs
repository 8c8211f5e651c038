using System.Net;
using System.Net.Sockets;
using System.Text;
using Livebook.Cluster.Membership;
using Livebook.Drill.Nodes;

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
