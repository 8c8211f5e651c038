using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Livebook.Kino.Hosting;
using Livebook.Protocol;
using Livebook.Runtime.Capture;
using Livebook.Runtime.Connection;
using Livebook.Runtime.CSharp;
using Livebook.Runtime.Host;
using Livebook.Runtime.Packages;

namespace Livebook.Runtime;

/// <summary>The runtime process: puts its parts together and carries out the server's commands.</summary>
internal sealed class RuntimeServer : IDisposable
{
    private static readonly TimeSpan MemoryInterval = TimeSpan.FromSeconds(5);
    private const long MemoryStep = 1024 * 1024;

    private readonly ReportLog reports = new();
    private readonly RunningCells running = new();
    private readonly SessionPackages packages = new();
    private readonly CodeVariables environment = new();
    private readonly NativeOutput native;
    private readonly CSharpEvaluator evaluator;
    private readonly Evaluations evaluations;
    private readonly Diagnoses diagnoses;
    private readonly CancellationTokenSource comes = new();
    private volatile RuntimeCommand.Assign? assigned;

    public RuntimeServer()
    {
        // Before the redirection, so that a failure to start is still seen on standard error.
        evaluator = new CSharpEvaluator(packages);
        native = NativeOutput.Redirect(running);
        System.Console.SetOut(new CellConsole(OutputKind.Stdout, running, null));
        System.Console.SetError(new CellConsole(OutputKind.Stderr, running, null));
        System.Console.SetIn(new NoInput());
        ExceptionHandling.SetUnhandledExceptionHandler(OnUnhandled);
        TaskScheduler.UnobservedTaskException += OnUnobserved;
        evaluations = new Evaluations(evaluator, reports, running, native.FlushAndDrain, GiveUp);
        diagnoses = new Diagnoses(evaluator, reports);
    }

    /// <summary>Serves until the runtime is to end; the result says why.</summary>
    public async Task<string> RunAsync(string socket, string key, Patience patience)
    {
        _ = Task.Run(() => WarmUp.RunAsync(evaluator, running, comes.Token), CancellationToken.None);
        using var memory = new Timer(_ => ReportMemory(), null, MemoryInterval, MemoryInterval);
        using var connection = new ServerConnection(socket, key, patience, reports, Ready, Handle, () => assigned is not null);
        return await connection.RunAsync();
    }

    private static RuntimeReport.Ready Ready(int protocol) => new(protocol, Environment.ProcessId, RuntimeInformation.FrameworkDescription, ["csharp"]);

    private bool Handle(RuntimeCommand command)
    {
        switch (command)
        {
            case RuntimeCommand.Assign assign:
                return Assign(assign);
            case RuntimeCommand.Evaluate evaluate:
                evaluations.Submit(evaluate);
                return true;
            case RuntimeCommand.Cancel cancel:
                evaluations.Cancel(cancel.Cell, cancel.Evaluation);
                return true;
            case RuntimeCommand.Forget forget:
                evaluations.Forget(forget.Cell);
                return true;
            case RuntimeCommand.SetEnvironment(var variables):
                environment.Set(variables);
                return true;
            case RuntimeCommand.Diagnose diagnose:
                diagnoses.Submit(diagnose);
                return true;
            default:
                return false;
        }
    }

    /// <summary>False when the session has moved on to a higher epoch, or is another one.</summary>
    private bool Assign(RuntimeCommand.Assign assign)
    {
        if (assigned is { } before)
            return before.Session == assign.Session && before.Epoch >= assign.Epoch;
        assigned = assign;
        comes.Cancel();
        environment.Set(assign.Environment);
        SessionFiles.Directory = Path.Combine(assign.Directory, SessionFiles.DirectoryName);
        evaluator.NotebookPath = assign.NotebookPath ?? "";
        try
        {
            Directory.SetCurrentDirectory(assign.Directory);
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException or ArgumentException)
        {
            reports.Add(new RuntimeReport.Log($"the working directory could not be entered: {missing.GetType().Name}"));
        }
        return true;
    }

    private long lastResident;

    private void ReportMemory()
    {
        if (assigned is null)
            return;
        var resident = Environment.WorkingSet;
        if (Math.Abs(resident - lastResident) < MemoryStep)
            return;
        lastResident = resident;
        reports.Add(new RuntimeReport.Memory(resident, GC.GetTotalMemory(false)));
    }

    public void Dispose() => comes.Dispose();

    private static void GiveUp() => ProcessGroup.KillAll();

    /// <summary>An exception on a thread or timer that a cell started is written to the cell's standard error instead of ending the process.</summary>
    private bool OnUnhandled(Exception exception)
    {
        if (CellRun.Current is not { } run)
            return false;
        Tell(run, $"Unhandled exception in the background: {exception}\n");
        return true;
    }

    private void OnUnobserved(object? sender, UnobservedTaskExceptionEventArgs arguments)
    {
        arguments.SetObserved();
        if (running.Latest is { } output && arguments.Exception.InnerException is not OperationCanceledException)
            Tell(output.Run, $"Exception of a task that nobody waited for: {arguments.Exception.InnerException}\n");
    }

    private void Tell(CellRun run, string text)
    {
        try
        {
            running.Find(run)?.Write(OutputKind.Stderr, text);
        }
        catch (OperationCanceledException)
        {
            // The run was stopped; its background ends with it.
        }
    }
}
