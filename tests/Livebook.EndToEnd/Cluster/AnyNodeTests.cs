using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>It does not matter which node a request reaches.</summary>
[Collection(SharedCluster.Name)]
public sealed partial class AnyNodeTests(ThreeNodes shared) : SharedClusterTests(shared)
{
    [Fact]
    public async Task Every_node_lists_reads_edits_and_evaluates_a_session()
    {
        var session = await Cluster.Nodes[1].CreateSessionAsync("Anywhere", Stop);
        var place = await Cluster.UntilAgreedAsync(session, Stop);
        Assert.NotEqual(place.Owner, place.Standby);
        Assert.Equal(1, place.Epoch);

        var cells = new List<string>();
        foreach (var (node, number) in Cluster.Nodes.Select((node, index) => (node, index + 1)))
            cells.Add(await node.AddCellAsync(session, "code", $"var x{number} = {number};\nx{number} * 100", Stop));
        foreach (var (node, number) in Cluster.Nodes.Select((node, index) => (node, index + 1)))
        {
            var sources = await node.SourcesAsync(session, Stop);
            Assert.All(cells, cell => Assert.Contains(cell, sources));
            Assert.Equal($"{number}00", Notebooks.ResultOf(await node.EvaluateAsync(session, cells[number - 1], Stop)));
        }
        var owner = Cluster.Named(place.Owner);
        foreach (var node in Cluster.Nodes)
            Assert.Equal(
                (await owner.GetAsync($"sessions/{session}/cells/{cells[0]}", Stop)).ToString(),
                (await node.GetAsync($"sessions/{session}/cells/{cells[0]}", Stop)).ToString()
            );
    }

    [Fact]
    public async Task A_large_output_and_a_download_come_through_every_node()
    {
        var session = await Cluster.Nodes[2].CreateSessionAsync("Large", Stop);
        var cell = await Cluster.Nodes[0].AddCellAsync(session, "code", "new string('x', 100_000)", Stop);
        await Cluster.Nodes[1].EvaluateAsync(session, cell, Stop);
        var history = new History();
        await using var page = await PageClient.OpenAsync(Cluster.Address, Cluster.SignInAddress, session, "a", history, Stop);
        var hash = HashPattern().Match(page.View().Json).Groups[1].Value;
        Assert.NotEmpty(hash);
        foreach (var node in Cluster.Nodes)
        {
            using var http = new HttpClient(new HttpClientHandler { CookieContainer = new CookieContainer() });
            await http.GetAsync(new Uri(node.SignInAddress), Stop);
            Assert.Contains(
                new string('x', 100_000),
                await http.GetStringAsync(new Uri(node.Address, $"sessions/{session}/blobs/{hash}"), Stop),
                StringComparison.Ordinal
            );
            Assert.Contains(
                "new string('x', 100_000)",
                await http.GetStringAsync(new Uri(node.Address, $"sessions/{session}/download?format=livemd"), Stop),
                StringComparison.Ordinal
            );
        }
    }

    [Fact]
    public async Task A_key_gives_the_same_answer_before_and_after_its_owner_was_killed()
    {
        var sessionKey = $"session-{Guid.NewGuid():N}";
        var first = await Cluster.Nodes[0].PostAsync("sessions", new { name = "Keyed" }, Stop, sessionKey);
        var session = first.GetProperty("id").GetString()!;
        var made = await Cluster.Nodes[1].PostAsync($"sessions/{session}/cells", new { kind = "markdown", source = "once" }, Stop, "cell-key");
        var place = await Cluster.UntilAgreedAsync(session, Stop);

        var owner = Cluster.Named(place.Owner);
        await owner.KillAsync();
        foreach (var node in Cluster.Nodes.Where(node => node != owner))
        {
            var again = await node.PostAsync($"sessions/{session}/cells", new { kind = "markdown", source = "once" }, Stop, "cell-key");
            Assert.Equal(made.ToString(), again.ToString());
            Assert.Equal(session, (await node.PostAsync("sessions", new { name = "Keyed" }, Stop, sessionKey)).GetProperty("id").GetString());
            Assert.Single((await node.SourcesAsync(session, Stop)).Values, "once");
        }

        await owner.StartAsync(Stop);
        await Cluster.UntilWholeAsync(Stop);
        Assert.Equal(session, (await owner.PostAsync("sessions", new { name = "Keyed" }, Stop, sessionKey)).GetProperty("id").GetString());
        Assert.Equal(
            made.ToString(),
            (await owner.PostAsync($"sessions/{session}/cells", new { kind = "markdown", source = "once" }, Stop, "cell-key")).ToString()
        );
        Assert.True((await Cluster.UntilAgreedAsync(session, Stop)).Epoch > place.Epoch);
    }

    [Fact]
    public async Task A_key_at_every_node_at_once_makes_one_session_and_closing_it_while_it_runs_is_no_surprise()
    {
        for (var round = 0; round < 3; round++)
        {
            var key = $"at-once-{Guid.NewGuid():N}";
            var made = await Task.WhenAll(Cluster.Nodes.Select(node => node.PostAsync("sessions", new { name = "Once" }, Stop, key)));
            var session = Assert.Single(made.Select(answer => answer.GetProperty("id").GetString()!).Distinct());
            Assert.Equal(1, (await Cluster.UntilAgreedAsync(session, Stop)).Epoch);
            var cell = await Cluster.Nodes[1].AddCellAsync(session, "code", Notebooks.Endless, Stop);
            await Cluster.Nodes[2].PostAsync($"sessions/{session}/evaluations", new { cells = new[] { cell } }, Stop);
            await Wait.UntilAsync(
                async () => (await Cluster.Nodes[0].GetAsync($"sessions/{session}/cells/{cell}", Stop)).GetProperty("outputs").GetArrayLength() > 0,
                "it runs",
                Stop
            );
            await Cluster.Nodes[round].SendAsync(HttpMethod.Delete, $"sessions/{session}", null, Stop);
            Assert.All(
                Cluster.Nodes,
                node =>
                    Assert.DoesNotContain(
                        node.Process.Said.Split('\n'),
                        line =>
                            line.Contains(session, StringComparison.Ordinal)
                            && (line.Contains("another node", StringComparison.Ordinal) || line.Contains("diverged", StringComparison.Ordinal))
                    )
            );
        }
    }

    [GeneratedRegex("\"hash\":\"([0-9a-f]+)\"")]
    private static partial Regex HashPattern();
}
