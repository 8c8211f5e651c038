using Livebook.Drill;
using Livebook.Drill.Faults;
using Livebook.Drill.Matrix;
using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>One cluster that the rows of the matrix share; another one behind a row that left it in disorder.</summary>
public sealed class MatrixCluster : IAsyncLifetime
{
    private MatrixRun? _run;

    internal static DrillSettings Settings(params string[] crippled) =>
        new(
            new ClusterShape(NodesUnderTest.Program, 3, $"127.{200 + Environment.ProcessId % 50}.{1 + Environment.ProcessId / 50 % 250}", [.. crippled]),
            1,
            0,
            null
        );

    internal async Task<MatrixRun> WholeAsync(CancellationToken stop)
    {
        if (_run is { IsSpoilt: true })
        {
            await _run.DisposeAsync();
            _run = null;
        }
        return _run ??= await MatrixRun.StartAsync(Settings(), stop);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _run?.DisposeAsync() ?? ValueTask.CompletedTask;
}

/// <summary>The fault matrix, shortened, on three nodes: what is promised holds in every row.</summary>
[Collection(OwnServers.Name)]
public sealed class MatrixTests(MatrixCluster cluster, ITestOutputHelper output) : IClassFixture<MatrixCluster>
{
    public static TheoryData<int, string> Rows() => new(AllRows.Driven.Select(row => (row.Number, row.What)));

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task Row(int number, string what)
    {
        var stop = TestContext.Current.CancellationToken;
        var run = await cluster.WholeAsync(stop);
        var result = await run.RowAsync(AllRows.Driven.Single(row => row.Number == number), full: false, report: null, stop);
        output.WriteLine(result.ToString());
        Assert.True(result.Violations.IsEmpty, $"{what}: {string.Join('\n', result.Violations)}");
    }

    [Fact]
    public void Every_row_is_driven_or_says_who_shows_it() =>
        Assert.Equal(Enumerable.Range(1, 33), AllRows.Driven.Select(row => row.Number).Concat(AllRows.Elsewhere.Select(row => row.Number)).Order());
}

/// <summary>The drill itself: as a program, and with something switched off, so that it has something to find.</summary>
[Collection(OwnServers.Name)]
public sealed class DrillTests(ITestOutputHelper output)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_program_drills_itself_and_writes_a_report()
    {
        var report = Path.Combine(Directory.CreateTempSubdirectory("livebook-report-").FullName, "report.md");
        await using var drill = Child.Start("dotnet", [Repository.Server, "drill", "--faults", "1", "--seed", "2", "--report", report]);
        await drill.WaitForExitAsync(Stop);
        Assert.True(drill.ExitCode == 0, drill.Said);
        var text = await File.ReadAllTextAsync(report, Stop);
        output.WriteLine(text);
        Assert.Contains("Every invariant held.", text, StringComparison.Ordinal);
        Assert.Contains("# Drill: 3 nodes, seed 2", text, StringComparison.Ordinal);
        Directory.Delete(Path.GetDirectoryName(report)!, recursive: true);
    }

    [Fact]
    public async Task A_server_does_not_load_the_drill()
    {
        await using var server = await Node.StartAsync(ThreeNodes.Quick, Stop);
        await server.UntilReadyAsync(Stop);
        var loaded = await File.ReadAllTextAsync($"/proc/{server.Process.Pid}/maps", Stop);
        Assert.Contains("Livebook.Cluster.dll", loaded, StringComparison.Ordinal);
        Assert.DoesNotContain("Livebook.Drill.dll", loaded, StringComparison.Ordinal);
    }

    /// <summary>One of them always; all of them with LIVEBOOK_E2E_CRIPPLED=all, a minute more.</summary>
    public static TheoryData<string, string, Fault[]> Crippled()
    {
        var data = new TheoryData<string, string, Fault[]>(("replication", "is missing", [new Fault.Kill(Target.Owner)]));
        if (Environment.GetEnvironmentVariable("LIVEBOOK_E2E_CRIPPLED") == "all")
        {
            data.Add("fencing", "is missing", [new Fault.Isolate(Target.Owner, 7)]);
            data.Add("at-most-once", " times", [new Fault.SlowNet(6), new Fault.SlowNet(6)]);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Crippled), DisableDiscoveryEnumeration = true)]
    public async Task Without_it_the_drill_finds_violations(string without, string finds, Fault[] faults)
    {
        var drill = new DrillRun(MatrixCluster.Settings(without) with { Plan = [.. faults], Users = 6 }, output.WriteLine);
        var report = await drill.RunAsync(Stop);
        output.WriteLine(report.ToString());
        Assert.Contains(report.Violations, violation => violation.Contains(finds, StringComparison.Ordinal));
    }
}
