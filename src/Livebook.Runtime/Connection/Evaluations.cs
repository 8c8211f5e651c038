using System.Collections.Immutable;
using System.Diagnostics;
using Livebook.Kino.Hosting;
using Livebook.Protocol;
using Livebook.Runtime.Capture;
using Livebook.Runtime.CSharp;
using Diagnostic = Livebook.Protocol.Diagnostic;

namespace Livebook.Runtime.Connection;

/// <summary>
/// Runs evaluations: one after another within a flow, flows side by side; each number of a cell at most once; and stops them on demand.
/// </summary>
/// <param name="drain">Fetches what native code has written; called at the end of each evaluation.</param>
/// <param name="giveUp">Ends the process, because code does not stop.</param>
internal sealed class Evaluations(CSharpEvaluator evaluator, ReportLog reports, RunningCells running, Action drain, Action giveUp)
{
    private static readonly TimeSpan WarnAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan InterruptInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan GiveUpAfter = TimeSpan.FromSeconds(2);
    private static readonly string[] CSharpNames = ["csharp", "c#", "cs"];

    private readonly Lock gate = new();
    private readonly CheckPulse pulse = new();
    private readonly Dictionary<string, Task> flows = [];
    private readonly Dictionary<string, int> newest = [];
    private readonly Dictionary<(string Cell, int Evaluation), Entry> entries = [];

    /// <summary>Queues an evaluation; one whose number is not new for its cell is ignored.</summary>
    public void Submit(RuntimeCommand.Evaluate command)
    {
        lock (gate)
        {
            if (newest.TryGetValue(command.Cell, out var last) && command.Evaluation <= last)
                return;
            newest[command.Cell] = command.Evaluation;
            StopRest((command.Cell, last));
            var entry = new Entry(command, new CellOutput(command.Cell, command.Evaluation, reports));
            entries[(command.Cell, command.Evaluation)] = entry;
            var before = flows.GetValueOrDefault(command.Flow, Task.CompletedTask);
            flows[command.Flow] = RunAfterAsync(before, entry);
        }
    }

    /// <summary>Stops an evaluation, or takes it from the queue.</summary>
    public void Cancel(string cell, int evaluation)
    {
        Entry? entry;
        lock (gate)
            if (!entries.TryGetValue((cell, evaluation), out entry) || entry.IsOver || entry.Output.Run.StopRequested)
                return;
        new Thread(() => Stop(entry)) { IsBackground = true, Name = "stop " + cell }.Start();
    }

    /// <summary>Drops what a cell has defined and ends what it left running.</summary>
    public void Forget(string cell)
    {
        evaluator.Forget(cell);
        lock (gate)
            if (newest.TryGetValue(cell, out var last))
                StopRest((cell, last));
    }

    /// <summary>Ends what an evaluation that is over left running.</summary>
    private void StopRest((string Cell, int Evaluation) key)
    {
        if (!entries.TryGetValue(key, out var entry) || !entry.IsOver)
            return;
        entry.Output.Run.RequestStop();
        entries.Remove(key);
        pulse.Start();
    }

    private async Task RunAfterAsync(Task before, Entry entry)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding | ConfigureAwaitOptions.SuppressThrowing);
        var (command, output) = (entry.Command, entry.Output);
        var clock = Stopwatch.StartNew();
        var verdict = new Verdict(EvaluationStatus.Aborted, null, []);
        if (!output.Run.StopRequested)
        {
            running.Add(output);
            reports.Add(new RuntimeReport.Started(command.Cell, command.Evaluation));
            try
            {
                verdict = await EvaluateAsync(entry);
            }
            catch (Exception stopped) when (output.Run.StopRequested)
            {
                Debug.WriteLine(stopped.Message);
            }
            catch (Exception thrown)
            {
                verdict = new Verdict(EvaluationStatus.Failed, ErrorReport.Of(thrown, command.Cell), []);
            }
            drain();
        }
        output.Conclude(verdict.Last);
        lock (gate)
        {
            entry.IsOver = true;
            if (newest[command.Cell] != command.Evaluation)
                entries.Remove((command.Cell, command.Evaluation));
        }
        entry.Over.Set();
        output.Run.IsFinished = true;
        running.Remove(output);
        output.Dispose();
        entry.Thread = null;
        reports.Add(new RuntimeReport.Finished(command.Cell, command.Evaluation, verdict.Status, clock.Elapsed.TotalMilliseconds, verdict.Diagnostics));
    }

    private async Task<Verdict> EvaluateAsync(Entry entry)
    {
        var (command, output) = (entry.Command, entry.Output);
        if (!CSharpNames.Contains(command.Language, StringComparer.OrdinalIgnoreCase))
        {
            // What the cell has defined while it was in C# is gone with that.
            evaluator.Forget(command.Cell);
            return new Verdict(
                EvaluationStatus.Unsupported,
                Output.Text(
                    OutputKind.Warning,
                    $"Cells in \"{command.Language}\" cannot run here: this runtime evaluates C#. Nothing was run. Rewrite the cell in C#, or leave it as it is; the text is kept."
                ),
                []
            );
        }
        if (ConsoleColors.MayBeUsedBy(command.Source))
            running.BeforeWrite = drain;
        return await evaluator.EvaluateAsync(
            command,
            output,
            text => reports.Add(new RuntimeReport.Progress(command.Cell, command.Evaluation, text)),
            thread => entry.Thread = thread
        );
    }

    /// <summary>On a thread of its own, because the pool may be full of the very code that is to stop.</summary>
    private void Stop(Entry entry)
    {
        using var armed = pulse.Hold();
        pulse.Start();
        entry.Output.Run.RequestStop();
        var clock = Stopwatch.StartNew();
        for (var warned = false; IsRunning(entry); )
        {
            // Again and again, because code may catch the first ones.
            entry.Thread?.Interrupt();
            if (!warned && clock.Elapsed > WarnAfter)
            {
                warned = true;
                entry.Output.Announce(
                    Output.Text(
                        OutputKind.Warning,
                        "The code does not react to being stopped. In a second the runtime will be ended; what the cells have defined is lost then."
                    )
                );
            }
            if (clock.Elapsed > GiveUpAfter)
                giveUp();
            entry.Over.Wait(InterruptInterval);
        }
    }

    private bool IsRunning(Entry entry)
    {
        lock (gate)
            return !entry.IsOver && running.Contains(entry.Output);
    }

    private sealed class Entry(RuntimeCommand.Evaluate command, CellOutput output)
    {
        private volatile CellThread? thread;

        public RuntimeCommand.Evaluate Command => command;
        public CellOutput Output => output;
        public bool IsOver { get; set; }
        public ManualResetEventSlim Over { get; } = new();

        public CellThread? Thread
        {
            get => thread;
            set => thread = value;
        }
    }
}
