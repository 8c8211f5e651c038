using System.Collections.Immutable;
using System.Diagnostics;
using Livebook.Protocol;
using Livebook.Server.Runtimes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Livebook.Server.Tests.Runtimes;

/// <summary>With the runtime that is shipped, found as the server finds it in the build output.</summary>
public sealed class RealRuntimeTests : IAsyncDisposable
{
    private const string Abandoned = "LIVEBOOK_TEST_ABANDONED";
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("lbr");
    private readonly Hearing _hearing = new();
    private readonly List<ProcessRuntimes> _servers = [];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private ProcessRuntimes Server(int spares = 0)
    {
        var options = new RuntimeOptions
        {
            DataPath = _root.FullName,
            Spares = spares,
            StartTimeout = TimeSpan.FromSeconds(60),
        };
        var server = new ProcessRuntimes(options, NullLoggerFactory.Instance, TimeProvider.System);
        _servers.Add(server);
        return server;
    }

    private static RuntimeRequest Request(string directory) => new("s1", 1, directory, null, ImmutableSortedDictionary<string, string>.Empty);

    private Task<IRuntime> StartAsync(ProcessRuntimes server) => server.StartAsync(Request(_root.FullName), _hearing.OnReport, _hearing.OnDown, Stop);

    private static void Evaluate(IRuntime runtime, string cell, string source, params string[] path) =>
        runtime.Send(new RuntimeCommand.Evaluate(cell, 1, "csharp", source, [.. path]));

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
        _root.Delete(recursive: true);
    }

    [Fact]
    public async Task It_starts_evaluates_and_ends_when_a_cell_ends_the_process()
    {
        var runtime = await StartAsync(Server());
        Assert.StartsWith(".NET", runtime.Framework, StringComparison.Ordinal);
        Evaluate(runtime, "c1", "var x = 41;");
        Evaluate(runtime, "c2", "x + 1", "c1");
        Assert.Equal("42", await _hearing.TextAsync());
        Evaluate(runtime, "c3", "Console.Write(Environment.CurrentDirectory)", "c1");
        Assert.Equal(_root.FullName, await _hearing.TextAsync());

        Evaluate(runtime, "c4", "Environment.FailFast(\"the cell wants it\")", "c1");
        Assert.NotEmpty(await _hearing.Down);
        await FakeRuntimeHost.UntilAsync(() => !FakeRuntimeHost.Lives(runtime.Pid), "the process is gone");
        Assert.Empty(new RuntimeFolder(_root.FullName).Records());
    }

    [Fact]
    public async Task A_warm_spare_is_handed_over()
    {
        var server = Server(spares: 1);
        await FakeRuntimeHost.UntilAsync(() => server.SparesReady == 1, "the spare is warm");
        var spare = Assert.Single(new RuntimeFolder(_root.FullName).Records());
        var runtime = await StartAsync(server);
        Assert.Equal((spare.Id, spare.Pid), (runtime.Id, runtime.Pid));
        Evaluate(runtime, "c1", "\"from the \" + \"spare\"");
        Assert.Contains("from the spare", await _hearing.TextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_runtime_of_a_killed_server_is_adopted_with_what_its_cells_have_defined()
    {
        if (Environment.GetEnvironmentVariable(Abandoned) is { } data)
        {
            await AbandonAsync(data);
            return;
        }
        var method = $"{typeof(RealRuntimeTests).FullName}.{nameof(The_runtime_of_a_killed_server_is_adopted_with_what_its_cells_have_defined)}";
        var start = new ProcessStartInfo("dotnet", [typeof(RealRuntimeTests).Assembly.Location, "--filter-method", method]) { RedirectStandardOutput = true };
        start.Environment[Abandoned] = _root.FullName;
        using var killed = Process.Start(start)!;
        await killed.StandardOutput.ReadToEndAsync(Stop);
        await killed.WaitForExitAsync(Stop);
        var record = Assert.Single(new RuntimeFolder(_root.FullName).Records());
        Assert.True(record.IsAlive, "the runtime has ended with its server");

        var runtime = await Server().AdoptAsync(Request(_root.FullName) with { Epoch = 2 }, record.Id, 0, _hearing.OnReport, _hearing.OnDown, Stop);

        Assert.Equal(record.Pid, runtime!.Pid);
        Evaluate(runtime, "c2", "x + 1", "c1");
        Assert.Equal("42", await _hearing.TextAsync());
        Assert.Equal(0, _hearing.Downs);
        Assert.Equal(2, Assert.Single(new RuntimeFolder(_root.FullName).Records()).Epoch);
    }

    /// <summary>In a process of its own: a server that starts a runtime and is killed.</summary>
    private static async Task AbandonAsync(string data)
    {
        var options = new RuntimeOptions
        {
            DataPath = data,
            Spares = 0,
            StartTimeout = TimeSpan.FromSeconds(60),
        };
        var server = new ProcessRuntimes(options, NullLoggerFactory.Instance, TimeProvider.System);
        var finished = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var runtime = await server.StartAsync(
            Request(data),
            frame =>
            {
                if (frame.Report is RuntimeReport.Finished)
                    finished.SetResult();
                return Task.CompletedTask;
            },
            _ => { },
            Stop
        );
        Evaluate(runtime, "c1", "var x = 41;");
        await finished.Task.WaitAsync(TimeSpan.FromSeconds(30), Stop);
        Process.GetCurrentProcess().Kill();
        await Task.Delay(Timeout.Infinite, Stop);
    }
}
