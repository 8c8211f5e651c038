using System.Collections.Immutable;
using System.Diagnostics;
using System.Threading.Channels;
using Livebook.Protocol;
using Livebook.Server.Runtimes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Livebook.Server.Tests.Runtimes;

/// <summary>A data path whose runtimes are the fake one, and what a session hears of it.</summary>
internal sealed class FakeRuntimeHost : IAsyncDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("lb");
    private readonly List<ProcessRuntimes> _servers = [];

    public string DataPath => _root.FullName;

    public string Records => Path.Combine(DataPath, "runtimes");

    /// <param name="mode">How the fake behaves at its start.</param>
    public ProcessRuntimes Server(string mode = "good", int spares = 0, TimeSpan? startTimeout = null, string? dataPath = null)
    {
        var script = Path.Combine(DataPath, $"runtime-{mode}.sh");
        if (!File.Exists(script))
        {
            File.WriteAllText(script, $"#!/bin/sh\nexec '{Fake}' {mode} \"$@\"\n");
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        var options = new RuntimeOptions
        {
            DataPath = dataPath ?? DataPath,
            Program = script,
            Spares = spares,
            SpareDelay = TimeSpan.Zero,
            StartTimeout = startTimeout ?? TimeSpan.FromSeconds(30),
            StopTimeout = TimeSpan.FromSeconds(1),
            HiddenVariables = ["TEST_HIDDEN"],
        };
        var server = new ProcessRuntimes(options, NullLoggerFactory.Instance, TimeProvider.System);
        _servers.Add(server);
        return server;
    }

    public RuntimeRequest Request(string session = "s1", long epoch = 1) =>
        new(session, epoch, DataPath, null, ImmutableSortedDictionary<string, string>.Empty);

    public static async Task UntilAsync(Func<bool> holds, string what)
    {
        var waited = Stopwatch.StartNew();
        while (!holds())
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(30), $"waited in vain until {what}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public static bool Lives(int pid) => ProcessTree.StartTime(pid) is not null;

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
        foreach (var record in Directory.Exists(Records) ? new RuntimeFolder(DataPath).Records() : [])
            ProcessTree.KillGroup(record.Pid);
        _root.Delete(recursive: true);
    }

    private static string Fake
    {
        get
        {
            var own = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
            return Path.GetFullPath(Path.Combine(own, "..", "..", "Livebook.FakeRuntime", Path.GetFileName(own), "Livebook.FakeRuntime"));
        }
    }
}

/// <summary>A session's ears.</summary>
internal sealed class Hearing
{
    private readonly Channel<ReportFrame> _reports = Channel.CreateUnbounded<ReportFrame>();
    private readonly TaskCompletionSource<string> _down = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _downs;

    /// <summary>While set, a report is not done with.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public long Last { get; private set; }

    public int Heard { get; private set; }

    public int Downs => _downs;

    public Task<string> Down => _down.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

    public async Task OnReport(ReportFrame frame)
    {
        Assert.Equal(Last == 0 ? frame.Sequence : Last + 1, frame.Sequence);
        Last = frame.Sequence;
        Heard++;
        _reports.Writer.TryWrite(frame);
        await Gate;
    }

    public void OnDown(string reason)
    {
        Interlocked.Increment(ref _downs);
        _down.TrySetResult(reason);
    }

    /// <summary>The next text that a cell put out.</summary>
    public async Task<string> TextAsync()
    {
        while (true)
        {
            var frame = await _reports.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
            if (frame.Report is RuntimeReport.Produced(_, _, var output))
                return output.Data["text/plain"];
        }
    }
}
