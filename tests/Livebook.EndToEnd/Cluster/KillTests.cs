using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>The owner of a session is killed while two pages type and a cell runs.</summary>
[Collection(SharedCluster.Name)]
public sealed class KillTests(ThreeNodes shared, ITestOutputHelper output) : SharedClusterTests(shared)
{
    /// <summary>How often the owner is killed; LIVEBOOK_E2E_KILLS asks for more.</summary>
    private static readonly int Kills = int.Parse(Environment.GetEnvironmentVariable("LIVEBOOK_E2E_KILLS") ?? "1", CultureInfo.InvariantCulture);

    [Fact]
    public async Task Nothing_acknowledged_is_lost_or_doubled_when_owners_are_killed()
    {
        await using var run = await TypingRun.StartAsync(Cluster.Nodes[0], Cluster.Address, Cluster.SignInAddress, Stop);
        var endless = await Cluster.Nodes[1].AddCellAsync(run.Session, "code", Notebooks.Endless, Stop);
        var made = new Dictionary<string, string>();
        var times = new List<TimeSpan>();
        for (var round = 1; round <= Kills; round++)
        {
            var before = await Cluster.UntilAgreedAsync(run.Session, Stop);
            var owner = Cluster.Named(before.Owner);
            var survivors = Cluster.Nodes.Where(node => node != owner).ToArray();
            await RunAsync(survivors[0], run.Session, endless);
            await run.UntilTypedAsync(10, before.Epoch, Stop);
            var (key, source) = ($"round-{round}", $"made in round {round}");
            var cell = await CreateCellAsync(run.Session, source, key);

            var killedAt = Stopwatch.GetTimestamp();
            await owner.KillAsync();
            Assert.Equal(cell, await CreateCellAsync(run.Session, source, key));
            made[cell] = source;
            await run.UntilTypedAsync(10, before.Epoch + 1, Stop);
            times.Add(run.FirstAcknowledgedAfter(killedAt, before.Epoch + 1));
            output.WriteLine($"round {round}: {before.Owner} killed, {times[^1].TotalMilliseconds:0} ms until an edit was acknowledged");

            var aborted = await survivors[0].GetAsync($"sessions/{run.Session}/cells/{endless}", Stop);
            Assert.Equal("ready", aborted.GetProperty("status").GetString());
            Assert.Equal("aborted", aborted.GetProperty("validity").GetString());
            await owner.StartAsync(Stop);
            await Cluster.UntilWholeAsync(Stop);
        }
        await run.EndAsync(Stop);
        await Cluster.UntilAgreedAsync(run.Session, Stop);

        Assert.Empty(await run.ViolationsAsync(Cluster.Nodes, Stop));
        foreach (var node in Cluster.Nodes)
        {
            var sources = await node.SourcesAsync(run.Session, Stop);
            Assert.Equal(
                made.OrderBy(cell => cell.Key),
                sources.Where(cell => cell.Value.StartsWith("made in", StringComparison.Ordinal)).OrderBy(cell => cell.Key)
            );
        }
        times.Sort();
        output.WriteLine(
            $"{run.History.Acknowledged.Length} edits acknowledged, 0 lost; median {times[times.Count / 2].TotalMilliseconds:0} ms, worst {times[^1].TotalMilliseconds:0} ms"
        );
        TestContext.Current.SendDiagnosticMessage(
            $"{Kills} kills, {run.History.Acknowledged.Length} edits: median {times[times.Count / 2].TotalMilliseconds:0} ms, worst {times[^1].TotalMilliseconds:0} ms"
        );
    }

    private static async Task RunAsync(Node node, string session, string cell)
    {
        await node.PostAsync($"sessions/{session}/evaluations", new { cells = new[] { cell } }, Stop);
        await Wait.UntilAsync(
            async () => (await node.GetAsync($"sessions/{session}/cells/{cell}", Stop)).GetProperty("outputs").GetArrayLength() > 0,
            "the endless cell runs",
            Stop
        );
    }

    /// <summary>Asks the load balancer, and again with the same key until it is done.</summary>
    private async Task<string> CreateCellAsync(string session, string source, string key)
    {
        string? cell = null;
        await Wait.UntilAsync(
            async () =>
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, $"sessions/{session}/cells");
                request.Content = new StringContent(JsonSerializer.Serialize(new { kind = "markdown", source }), System.Text.Encoding.UTF8, "application/json");
                request.Headers.Add("Idempotency-Key", key);
                using var response = await Cluster.Api.SendAsync(request, Stop);
                if (!response.IsSuccessStatusCode)
                    return false;
                using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Stop));
                cell = body.RootElement.GetProperty("id").GetString();
                return true;
            },
            "a cell is made",
            Stop
        );
        return cell!;
    }
}
