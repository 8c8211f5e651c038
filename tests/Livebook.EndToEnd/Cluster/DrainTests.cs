using System.Diagnostics;
using System.Net;
using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>Nodes that are told to stop while they are in use (rows 3, 4, 21 and 26 of the fault matrix).</summary>
[Collection(SharedCluster.Name)]
public sealed class DrainTests(ThreeNodes shared, ITestOutputHelper output) : SharedClusterTests(shared)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stopped_node_hands_its_sessions_over_and_its_variables_outlive_its_restart(bool interrupted)
    {
        await using var run = await TypingRun.StartAsync(Cluster.Nodes[0], Cluster.Address, Cluster.SignInAddress, Stop);
        var maker = await Cluster.Nodes[1].AddCellAsync(run.Session, "code", "var kept = System.Guid.NewGuid().ToString();\nkept", Stop);
        var reader = await Cluster.Nodes[1].AddCellAsync(run.Session, "code", "kept.ToUpperInvariant()", Stop);
        var made = Notebooks.ResultOf(await Cluster.Nodes[2].EvaluateAsync(run.Session, maker, Stop));
        var before = await Cluster.UntilAgreedAsync(run.Session, Stop);
        var owner = Cluster.Named(before.Owner);
        var others = Cluster.Nodes.Where(node => node != owner).ToArray();
        await run.UntilTypedAsync(10, before.Epoch, Stop);

        // The nodes are shared with tests that kill some.
        var saidBefore = others.Select(node => node.Process.Said.Length).ToArray();
        var from = Stopwatch.GetTimestamp();
        var stopping = interrupted ? owner.InterruptAsync(Stop) : owner.TerminateAsync(Stop);
        // At once, while it still lives: load balancers and their users go elsewhere, the orchestrator does not kill it.
        await Wait.UntilAsync(async () => await StatusAsync(owner, "ready") == HttpStatusCode.ServiceUnavailable, "it is not ready", Stop);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(owner, "live"));
        await Wait.UntilAsync(async () => (await others[0].PlacesAsync(Stop))[run.Session].Owner != owner.Name, "another node has the session", Stop);
        var handedOver = Stopwatch.GetElapsedTime(from);
        Assert.Equal(before.Standby, (await others[0].PlacesAsync(Stop))[run.Session].Owner);
        await stopping;
        var ended = Stopwatch.GetElapsedTime(from);
        Assert.Equal(0, owner.Process.ExitCode);
        Assert.DoesNotContain("not everything ended", owner.Process.Said, StringComparison.Ordinal);
        // Left, not lost: nobody lists it, or a session on it, for a moment longer (I6).
        foreach (var node in others)
        {
            await Wait.UntilAsync(async () => (await node.GetAsync("cluster", Stop)).GetProperty("nodes").GetArrayLength() == 2, "nobody lists it", Stop);
            Assert.All((await node.PlacesAsync(Stop)).Values, place => Assert.NotEqual(owner.Name, place.Owner));
        }
        var said = string.Concat(others.Zip(saidBefore, (node, length) => node.Process.Said[length..]));
        Assert.DoesNotContain("its process is gone", said, StringComparison.Ordinal);
        await run.UntilTypedAsync(10, before.Epoch + 1, Stop);

        await owner.StartAsync(Stop);
        await Cluster.UntilWholeAsync(Stop);
        Assert.Equal(made.ToUpperInvariant(), Notebooks.ResultOf(await others[1].EvaluateAsync(run.Session, reader, Stop)));
        await run.EndAsync(Stop);
        Assert.Empty(await run.ViolationsAsync(Cluster.Nodes, Stop));
        output.WriteLine(
            $"handed over after {handedOver.TotalMilliseconds:0} ms, first edit acknowledged after {run.FirstAcknowledgedAfter(from, before.Epoch + 1).TotalMilliseconds:0} ms, ended after {ended.TotalMilliseconds:0} ms"
        );
    }

    [Fact]
    public async Task A_running_cell_goes_on_through_the_drain_of_its_node()
    {
        var session = await Cluster.Nodes[0].CreateSessionAsync("Running", Stop);
        const string Counting = "for (var i = 0; i < 60; i++) { System.Console.WriteLine(\"line \" + i); System.Threading.Thread.Sleep(50); }\n\"counted\"";
        var cell = await Cluster.Nodes[1].AddCellAsync(session, "code", Counting, Stop);
        var before = await Cluster.UntilAgreedAsync(session, Stop);
        var owner = Cluster.Named(before.Owner);
        var other = Cluster.Nodes.First(node => node != owner);
        await other.PostAsync($"sessions/{session}/evaluations", new { cells = new[] { cell } }, Stop);
        await Wait.UntilAsync(async () => (await CellAsync(other, session, cell)).GetProperty("outputs").GetArrayLength() > 0, "it runs", Stop);

        await owner.TerminateAsync(Stop);

        // The node stayed until the cell was done; the session was elsewhere long before.
        var done = await CellAsync(other, session, cell);
        Assert.Equal("evaluated", done.GetProperty("validity").GetString());
        var text = done.GetProperty("outputs").ToString();
        foreach (var line in new[] { "line 0\\n", "line 30\\n", "line 59", "counted" })
            Assert.Contains(line, text, StringComparison.Ordinal);
        Assert.Single(System.Text.RegularExpressions.Regex.Matches(text, "line 31\\b"));
    }

    [Fact]
    public async Task A_node_can_be_drained_by_the_api_and_gets_nothing_new()
    {
        var sessions = new List<string>();
        foreach (var node in Cluster.Nodes)
            sessions.Add(await node.CreateSessionAsync("Drained", Stop));
        foreach (var session in sessions)
            await Cluster.UntilAgreedAsync(session, Stop);
        var drained = Cluster.Nodes[2];

        var answer = await drained.PostAsync("cluster/drain", null, Stop);

        Assert.Equal("draining", answer.GetProperty("status").GetString());
        foreach (var node in Cluster.Nodes)
        {
            Assert.Equal("draining", await NodeStatusAsync(node, drained.Name));
            foreach (var session in sessions)
                Assert.NotEqual(drained.Name, (await node.PlacesAsync(Stop))[session].Owner);
        }
        for (var i = 0; i < 4; i++)
        {
            // Also when it is the one that is asked: requests still reach everything through it (row 21).
            var made = await drained.CreateSessionAsync("Elsewhere", Stop);
            var place = (await drained.PlacesAsync(Stop))[made];
            Assert.NotEqual(drained.Name, place.Owner);
            Assert.NotEqual(drained.Name, place.Standby);
        }
        await drained.TerminateAsync(Stop);
        Assert.Equal(0, drained.Process.ExitCode);
    }

    private static async Task<HttpStatusCode> StatusAsync(Node node, string path)
    {
        using var http = new HttpClient();
        using var response = await http.GetAsync(new Uri(node.Address, path), Stop);
        return response.StatusCode;
    }

    private static Task<System.Text.Json.JsonElement> CellAsync(Node node, string session, string cell) =>
        node.GetAsync($"sessions/{session}/cells/{cell}", Stop);

    private static async Task<string?> NodeStatusAsync(Node node, string name) =>
        (await node.GetAsync("cluster", Stop))
            .GetProperty("nodes")
            .EnumerateArray()
            .Single(member => member.GetProperty("name").GetString() == name)
            .GetProperty("status")
            .GetString();
}
