using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>A node ends in time whatever hangs (row 4 of the fault matrix, with the 5 s that some platforms give).</summary>
[Collection(OwnServers.Name)]
public sealed class StopTests(ITestOutputHelper output)
{
    private const int StopSignal = 19;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_node_with_a_hung_runtime_ends_within_its_time_and_at_once_with_a_second_interrupt()
    {
        var hasty = new Dictionary<string, string>(ThreeNodes.Quick, StringComparer.Ordinal) { ["LIVEBOOK_DRAIN_SECONDS"] = "5" };
        await using var cluster = await Cluster.StartAsync(2, Stop, hasty);

        var (owner, session, cell) = await RunEndlesslyAsync(cluster);
        Child.Signal(await RuntimeAsync(owner, session), StopSignal);
        var from = Stopwatch.GetTimestamp();
        await owner.TerminateAsync(Stop);
        output.WriteLine($"with a hung runtime and 5 s the process ended after {Stopwatch.GetElapsedTime(from).TotalSeconds:0.0} s");
        Assert.Equal(0, owner.Process.ExitCode);
        var other = cluster.Nodes.Single(node => node != owner);
        Assert.Equal(other.Name, (await other.PlacesAsync(Stop))[session].Owner);
        // Nobody answers there any more. The cell is marked as soon as somebody gives it up, at the latest after half a minute.
        await other.PostAsync($"sessions/{session}/runtime/restart", null, Stop);
        Assert.Equal("aborted", (await other.GetAsync($"sessions/{session}/cells/{cell}", Stop)).GetProperty("validity").GetString());
        await owner.StartAsync(Stop);
        await cluster.UntilWholeAsync(Stop);

        (owner, _, _) = await RunEndlesslyAsync(cluster);
        var ending = owner.InterruptAsync(Stop);
        using var http = new HttpClient();
        await Wait.UntilAsync(
            async () => (await http.GetAsync(new Uri(owner.Address, "ready"), Stop)).StatusCode == HttpStatusCode.ServiceUnavailable,
            "it drains",
            Stop
        );
        await owner.InterruptAsync(Stop);
        await ending;
        Assert.Equal(130, owner.Process.ExitCode);
    }

    /// <summary>A session with a cell that runs for ever, at its owner.</summary>
    private static async Task<(Node Owner, string Session, string Cell)> RunEndlesslyAsync(Cluster cluster)
    {
        var session = await cluster.Nodes[0].CreateSessionAsync("Endless", Stop);
        var cell = await cluster.Nodes[1].AddCellAsync(session, "code", Notebooks.Endless, Stop);
        var place = await cluster.UntilAgreedAsync(session, Stop);
        await cluster.Nodes[0].PostAsync($"sessions/{session}/evaluations", new { cells = new[] { cell } }, Stop);
        await Wait.UntilAsync(
            async () => (await cluster.Nodes[0].GetAsync($"sessions/{session}/cells/{cell}", Stop)).GetProperty("outputs").GetArrayLength() > 0,
            "the endless cell runs",
            Stop
        );
        return (cluster.Named(place.Owner), session, cell);
    }

    /// <summary>Process id of a session's runtime, by what its node noted of it.</summary>
    private static async Task<int> RuntimeAsync(Node node, string session)
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(node.DataPath, "runtimes"), "*.json"))
        {
            using var record = JsonDocument.Parse(await File.ReadAllBytesAsync(file, Stop));
            if (record.RootElement.GetProperty("Session").GetString() == session)
                return record.RootElement.GetProperty("Pid").GetInt32();
        }
        throw new InvalidOperationException($"{node.Name} has no runtime of {session}");
    }
}
