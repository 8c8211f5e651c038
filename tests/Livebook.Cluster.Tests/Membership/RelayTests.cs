using Livebook.Cluster.Membership;
using Livebook.Drill.Nodes;
using Livebook.Faults;

namespace Livebook.Cluster.Tests.Membership;

/// <summary>Row 11: two of three nodes do not hear each other, in one direction or both.</summary>
public sealed class RelayTests : IDisposable
{
    private const string A = "livebook@127.0.0.2";
    private const string B = "livebook@127.0.0.3";
    private const string C = "livebook@127.0.0.4";

    private readonly string folder = Directory.CreateTempSubdirectory("livebook-relay-").FullName;

    [Fact]
    public async Task What_two_nodes_cannot_say_to_each_other_goes_through_the_third_and_nobody_is_put_out()
    {
        string[] addresses = ["127.0.0.2", "127.0.0.3", "127.0.0.4"];
        await using var dns = new TinyDns(addresses);
        var port = Watched.FreePort();
        var file = Path.Combine(folder, "faults");
        using var faults = FaultTable.Create(file, addresses);
        await using var a = await Watched.StartAsync(A, port, dns, change: options => options with { FaultTable = file });
        await using var b = await Watched.StartAsync(B, port, dns, change: options => options with { FaultTable = file });
        await using var c = await Watched.StartAsync(C, port, dns, change: options => options with { FaultTable = file });
        await SeeAllAsync(a, b, c);

        faults["127.0.0.2", "127.0.0.3"] = new LinkFault(Cut: true);
        await HearsAsync(a, b, "one way");
        faults["127.0.0.3", "127.0.0.2"] = new LinkFault(Cut: true);
        await HearsAsync(b, a, "there");
        await HearsAsync(a, b, "and back");
        Assert.True(a.Mesh.Members.All(member => member.Reachable));
        faults["127.0.0.2", "127.0.0.3"] = faults["127.0.0.3", "127.0.0.2"] = default;
        await HearsAsync(b, a, "healed");
        await SeeAllAsync(a, b, c);
        foreach (var node in new[] { a, b, c })
            Assert.DoesNotContain(node.Events, happened => happened is MeshEvent.Downed or MeshEvent.Expelled);
    }

    private static async Task SeeAllAsync(Watched a, Watched b, Watched c)
    {
        await a.SeesAsync(NodeStatus.Member, A, B, C);
        await b.SeesAsync(NodeStatus.Member, B, A, C);
        await c.SeesAsync(NodeStatus.Member, C, A, B);
    }

    /// <summary>Messages of the mesh may be lost while it finds out; who lives on top says them again.</summary>
    private static Task HearsAsync(Watched from, Watched to, string word) =>
        to.UntilAsync(
            () =>
            {
                from.Tell(to.Mesh.Self, word);
                return to.Messages.Contains((from.Mesh.Self, word));
            },
            $"\"{word}\" from {from.Mesh.Self}"
        );

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
