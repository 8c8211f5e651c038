using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Threading.Channels;
using Livebook.Protocol;
using Livebook.Server.Runtimes;

namespace Livebook.Server.Tests.Sessions;

/// <summary>Runtimes without processes.</summary>
internal sealed class FakeRuntimes : IRuntimes
{
    private readonly ConcurrentQueue<FakeRuntime> _started = new();

    /// <summary>Every runtime that was started, oldest first.</summary>
    public FakeRuntime[] Started => [.. _started];

    /// <summary>What happens before a start completes.</summary>
    public Func<FakeRuntime, Task> OnStart { get; set; } = _ => Task.CompletedTask;

    public async Task<IRuntime> StartAsync(RuntimeRequest request, Func<ReportFrame, Task> onReport, Action<string> onDown, CancellationToken stop)
    {
        var runtime = new FakeRuntime($"fake-{_started.Count + 1}", onReport, onDown) { Environment = request.Environment };
        _started.Enqueue(runtime);
        await OnStart(runtime);
        return runtime;
    }

    public Task<IRuntime?> AdoptAsync(
        RuntimeRequest request,
        string runtimeId,
        long lastReport,
        Func<ReportFrame, Task> onReport,
        Action<string> onDown,
        CancellationToken stop
    ) => Task.FromResult<IRuntime?>(null);

    public async ValueTask DisposeAsync()
    {
        foreach (var runtime in _started)
            await runtime.StopAsync();
    }
}

/// <summary>Says what a cell's source tells it to (<c>say TEXT</c>); a cell <c>wait</c> runs until the test ends it.</summary>
internal sealed class FakeRuntime : IRuntime
{
    private readonly Channel<ReportFrame> _reports = Channel.CreateUnbounded<ReportFrame>();
    private readonly Action<string> _onDown;
    private readonly ConcurrentQueue<RuntimeCommand> _commands = new();
    private long _sequence;
    private int _down;

    public FakeRuntime(string id, Func<ReportFrame, Task> onReport, Action<string> onDown)
    {
        Id = id;
        _onDown = onDown;
        _ = DeliverAsync(onReport);
    }

    public string Id { get; }

    public int Pid => System.Environment.ProcessId;

    /// <summary>Variables that it was started with.</summary>
    public ImmutableSortedDictionary<string, string> Environment { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    public string Framework => "fake";

    public RuntimeCommand[] Commands => [.. _commands];

    public bool IsDown => Volatile.Read(ref _down) != 0;

    public void Send(RuntimeCommand command)
    {
        _commands.Enqueue(command);
        if (command is not RuntimeCommand.Evaluate(var cell, var evaluation, _, var source, _, _) || source == "wait")
            return;
        if (source.StartsWith("say ", StringComparison.Ordinal))
            Report(new RuntimeReport.Produced(cell, evaluation, Output.Text(OutputKind.Result, source["say ".Length..])));
        Report(new RuntimeReport.Finished(cell, evaluation, EvaluationStatus.Ok, 1, []));
    }

    public void Report(RuntimeReport report) => _reports.Writer.TryWrite(new ReportFrame(Interlocked.Increment(ref _sequence), report));

    public void Die(string reason)
    {
        if (Interlocked.Exchange(ref _down, 1) != 0)
            return;
        _reports.Writer.TryComplete();
        _onDown(reason);
    }

    public Task StopAsync()
    {
        Die("The runtime was stopped.");
        return Task.CompletedTask;
    }

    public void Detach() { }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task DeliverAsync(Func<ReportFrame, Task> onReport)
    {
        try
        {
            await foreach (var frame in _reports.Reader.ReadAllAsync())
                await onReport(frame);
        }
        catch (OperationCanceledException)
        {
            // The session has ended.
        }
    }
}
