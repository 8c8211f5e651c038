using Livebook.Cluster.Membership;

namespace Livebook.Cluster.Tests.Membership;

public sealed class AkkaMeshTests
{
    private const string A = "livebook@127.0.0.2";
    private const string B = "livebook@127.0.0.3";

    [Fact]
    public async Task Two_nodes_form_a_cluster()
    {
        await using var dns = new TinyDns("127.0.0.2", "127.0.0.3");
        var port = Watched.FreePort();
        await using var a = await Watched.StartAsync(A, port, dns);
        await using var b = await Watched.StartAsync(B, port, dns);

        await a.SeesAsync(NodeStatus.Member, A, B);
        await b.SeesAsync(NodeStatus.Member, B, A);
    }
}
