using System.Text.Json;
using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>Who does not know the secret stays outside, and everybody sees why.</summary>
[Collection(SharedCluster.Name)]
public sealed class StrangerTests(ThreeNodes shared) : SharedClusterTests(shared)
{
    private const string OtherCookie = "another LIVEBOOK_COOKIE";

    [Fact]
    public async Task A_node_with_another_cookie_is_refused_and_both_sides_say_so()
    {
        var members = Cluster.Nodes.Select(node => node.Address.Host).ToArray();
        var address = members[0][..(members[0].LastIndexOf('.') + 1)] + "9";
        var environment = new Dictionary<string, string>(World.Cluster.Environment(address, Cluster.Dns), StringComparer.Ordinal)
        {
            ["LIVEBOOK_COOKIE"] = "quite-another-cookie-0123456789",
            ["LIVEBOOK_SPARE_RUNTIMES"] = "0",
        };
        await Cluster.Dns.SetAsync([.. members, address], Stop);
        await using (var stranger = await Node.StartAsync(environment, Stop))
        {
            foreach (var member in members)
                await UntilStrangerAsync(stranger, member, OtherCookie);
            foreach (var node in Cluster.Nodes)
                await UntilStrangerAsync(node, address, OtherCookie);

            var seen = await stranger.GetAsync("cluster", Stop);
            Assert.Equal("joining", seen.GetProperty("status").GetString());
            Assert.Equal(0, seen.GetProperty("nodes").GetArrayLength());
            foreach (var node in Cluster.Nodes)
                Assert.Equal(3, (await node.GetAsync("cluster", Stop)).GetProperty("nodes").GetArrayLength());
            using var http = new HttpClient();
            Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, (await http.GetAsync(new Uri(stranger.Address, "ready"), Stop)).StatusCode);
        }
        foreach (var node in Cluster.Nodes)
            await UntilStrangerAsync(node, address, "nothing listens there");
        await Cluster.Dns.SetAsync(members, Stop);
        foreach (var node in Cluster.Nodes)
            await Wait.UntilAsync(async () => Strangers(await node.GetAsync("cluster", Stop)).Length == 0, "the stranger is forgotten", Stop);
    }

    private static Task UntilStrangerAsync(Node node, string address, string reason) =>
        Wait.UntilAsync(
            async () =>
                Strangers(await node.GetAsync("cluster", Stop))
                    .Any(stranger =>
                        stranger.GetProperty("address").GetString() == address
                        && stranger.GetProperty("reason").GetString()!.Contains(reason, StringComparison.Ordinal)
                    ),
            $"{node.Name} says of {address}: {reason}",
            Stop
        );

    private static JsonElement[] Strangers(JsonElement cluster) => [.. cluster.GetProperty("strangers").EnumerateArray()];
}
