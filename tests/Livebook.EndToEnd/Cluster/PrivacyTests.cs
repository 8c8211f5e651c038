using System.IO.Compression;
using System.Text;
using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>What is typed is not to be read on the wire between nodes.</summary>
[Collection(SharedCluster.Name)]
public sealed class PrivacyTests(ThreeNodes shared) : SharedClusterTests(shared)
{
    private const int NodePort = 13825;

    [Fact]
    public async Task What_is_typed_is_in_no_packet_between_nodes()
    {
        var canary = $"canary-{Guid.NewGuid():N}";
        var session = await Cluster.Nodes[0].CreateSessionAsync("Private", Stop);
        var cell = await Cluster.Nodes[0].AddCellAsync(session, "markdown", "", Stop);
        using var between = Capture.Of(NodePort);
        using var control = Capture.Of(Cluster.Address.Port);
        for (var round = 0; round < 20; round++)
        {
            using var content = new StringContent($$"""{ "append": "{{canary}} {{round}}\n" }""", Encoding.UTF8, "application/json");
            using var response = await Cluster.Api.PatchAsync($"sessions/{session}/cells/{cell}", content, Stop);
            response.EnsureSuccessStatusCode();
        }
        foreach (var node in Cluster.Nodes)
            Assert.Contains($"{canary} 19", (await node.SourcesAsync(session, Stop))[cell], StringComparison.Ordinal);

        var flows = await between.EndAsync();
        var members = flows.Sum(flow => flow.Length);
        Assert.True(members > 20 * canary.Length, $"only {members} bytes between nodes were seen");
        Assert.All(flows, flow => Assert.Null(Capture.Find(flow, canary)));
        Assert.Contains(await control.EndAsync(), flow => Capture.Find(flow, canary) == "utf-8");
    }

    [Fact]
    public void The_search_sees_through_encodings()
    {
        const string Word = "canary-0123456789-abcdef";
        var zipped = new MemoryStream();
        using (var gzip = new GZipStream(zipped, CompressionLevel.Optimal))
            gzip.Write(Encoding.UTF8.GetBytes($"in front {Word} behind"));
        byte[] noise = [1, 2, 3, 4, 5];

        Assert.Null(Capture.Find(noise, Word));
        Assert.Equal("utf-16", Capture.Find((byte[])[.. noise, .. Encoding.Unicode.GetBytes(Word)], Word));
        foreach (var offset in Enumerable.Range(0, 3))
            Assert.Equal(
                "base64 of utf-8",
                Capture.Find(Encoding.ASCII.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes(new string('.', offset) + Word + "..."))), Word)
            );
        Assert.Equal("utf-8 behind gzip", Capture.Find((byte[])[.. noise, .. zipped.ToArray()], Word));
    }
}
