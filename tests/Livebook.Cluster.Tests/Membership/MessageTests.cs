using Livebook.Cluster.Membership;
using Livebook.Drill.Nodes;

namespace Livebook.Cluster.Tests.Membership;

public sealed class MessageTests
{
    private const string A = "livebook@127.0.0.2";
    private const string B = "livebook@127.0.0.3";

    [Fact]
    public async Task Messages_arrive_in_order_and_those_to_who_is_gone_are_lost()
    {
        await using var dns = new TinyDns("127.0.0.2", "127.0.0.3");
        var port = Watched.FreePort();
        await using var a = await Watched.StartAsync(A, port, dns);
        var b = await Watched.StartAsync(B, port, dns);
        try
        {
            await a.SeesAsync(NodeStatus.Member, A, B);
            var padding = new string('x', 1000);
            var sent = Enumerable.Range(0, 20_000).Select(i => $"{i} {padding}").ToList();
            sent.ForEach(text => a.Tell(B, text));
            await b.UntilAsync(() => b.Messages.Count == sent.Count, "every message");
            Assert.Equal(sent.Select(text => (A, text)), b.Messages);

            a.Mesh.Tell(B, new byte[IMesh.MaximumBytes]);
            await b.UntilAsync(() => b.Messages.Count == sent.Count + 1, "the largest message");
            Assert.Throws<ArgumentException>(() => a.Mesh.Tell(B, new byte[IMesh.MaximumBytes + 1]));
        }
        finally
        {
            await b.DisposeAsync();
        }
        await a.SeesAsync(NodeStatus.Alone, A);

        a.Tell(B, "lost");

        await using var again = await Watched.StartAsync(B, port, dns);
        await a.SeesAsync(NodeStatus.Member, A, B);
        a.Tell(B, "first");
        await again.UntilAsync(() => again.Messages.Count > 0, "a message");
        Assert.Equal((A, "first"), again.Messages[0]);
    }

    [Fact]
    public async Task A_message_sent_on_the_senders_up_is_not_lost()
    {
        await using var dns = new TinyDns("127.0.0.2", "127.0.0.3");
        var port = Watched.FreePort();
        await using var a = new Watched(A, port, dns);
        await using var b = new Watched(B, port, dns);
        a.Mesh.Happened += e => Greet(a, e);
        b.Mesh.Happened += e => Greet(b, e);
        await a.Mesh.StartAsync(TestContext.Current.CancellationToken);
        await b.Mesh.StartAsync(TestContext.Current.CancellationToken);

        await a.UntilAsync(() => a.Messages.Contains((B, "welcome")), "the greeting");
        await b.UntilAsync(() => b.Messages.Contains((A, "welcome")), "the greeting");

        static void Greet(Watched from, MeshEvent happened)
        {
            if (happened is MeshEvent.Up { Member.Name: var name } && name != from.Mesh.Self)
            {
                from.Tell(name, "welcome");
            }
        }
    }
}
