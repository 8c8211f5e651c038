using System.Text;
using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>Row 27: a secret that is set on one node and used by a session on another.</summary>
[Collection(SharedCluster.Name)]
public sealed class SettingsTests(ThreeNodes shared) : SharedClusterTests(shared)
{
    [Fact]
    public async Task A_secret_set_on_one_node_is_used_on_another_survives_its_writer_and_a_full_stop_and_is_in_no_file()
    {
        var value = $"canary-{Guid.NewGuid():N}";
        var session = await Cluster.Nodes[0].CreateSessionAsync("Secrets", Stop);
        // Tells whether code has the secret, without putting it out: outputs are kept with the notebook.
        var cell = await Cluster
            .Nodes[0]
            .AddCellAsync(
                session,
                "code",
                "System.Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(System.Environment.GetEnvironmentVariable(\"LB_CANARY\") ?? \"none\")))",
                Stop
            );
        var place = await Cluster.UntilAgreedAsync(session, Stop);
        var writer = Cluster.Nodes.First(node => node.Name != place.Owner);
        await Cluster.Nodes[0].SendAsync(HttpMethod.Put, $"sessions/{session}/secrets/CANARY", new { allowed = true }, Stop);
        Assert.Equal(HashOf("none"), Notebooks.ResultOf(await writer.EvaluateAsync(session, cell, Stop)));

        await writer.SendAsync(HttpMethod.Put, "settings/secrets/CANARY", new { value }, Stop);
        var until = TimeProvider.System.GetTimestamp();
        await Wait.UntilAsync(async () => await KnowsAsync(Cluster.Named(place.Owner), value), "the owner's node has the secret", Stop);
        TestContext.Current.TestOutputHelper!.WriteLine($"on the owner's node after {TimeProvider.System.GetElapsedTime(until).TotalMilliseconds:0} ms");
        Assert.Equal(HashOf(value), Notebooks.ResultOf(await writer.EvaluateAsync(session, cell, Stop)));

        await writer.KillAsync();
        foreach (var node in Cluster.Nodes.Where(node => node != writer))
            Assert.True(await KnowsAsync(node, value));
        await writer.StartAsync(Stop);
        await Cluster.UntilWholeAsync(Stop);
        await Task.WhenAll(Cluster.Nodes.Select(node => node.KillAsync()));
        await Task.WhenAll(Cluster.Nodes.Select(node => node.StartAsync(Stop)));
        await Cluster.UntilWholeAsync(Stop);
        await Cluster.UntilAgreedAsync(session, Stop);
        foreach (var node in Cluster.Nodes)
            Assert.True(await KnowsAsync(node, value));
        Assert.Equal(HashOf(value), Notebooks.ResultOf(await writer.EvaluateAsync(session, cell, Stop)));

        foreach (var file in Cluster.Nodes.SelectMany(node => Directory.EnumerateFiles(node.DataPath, "*", SearchOption.AllDirectories)))
        {
            if (Read(file) is { } bytes)
                Assert.True(Capture.Find(bytes, value) is null, $"{file} holds the secret");
        }
        await writer.SendAsync(HttpMethod.Delete, "settings/secrets/CANARY", null, Stop);
    }

    private static async Task<bool> KnowsAsync(Node node, string value)
    {
        using var response = await node.Api.GetAsync("settings/secrets/CANARY", Stop);
        return response.IsSuccessStatusCode && (await response.Content.ReadAsStringAsync(Stop)).Contains(value, StringComparison.Ordinal);
    }

    private static string HashOf(string text) => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>Null for sockets and what is locked or gone.</summary>
    private static byte[]? Read(string file)
    {
        try
        {
            return File.ReadAllBytes(file);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
