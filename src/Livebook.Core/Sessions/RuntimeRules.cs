using System.Collections.Immutable;
using Livebook.Core.Notebooks;
using Livebook.Protocol;

namespace Livebook.Core.Sessions;

/// <summary>What a runtime's coming, going and reporting does to the session (E7, E9, E10).</summary>
internal static class RuntimeRules
{
    /// <summary>A fresh process; what had run is aborted.</summary>
    public static void Restart(Step step)
    {
        Stop(step);
        Start(step);
    }

    /// <summary>Asks for a process.</summary>
    public static void Start(Step step)
    {
        var start = step.State.Runtime.Start + 1;
        step.State = step.State with
        {
            Runtime = new RuntimeState { Status = "starting", Start = start },
        };
        step.Do(new Effect.StartRuntime(start));
    }

    private static void Without(Step step, string status, string? message = null) =>
        step.State = step.State with
        {
            Runtime = new RuntimeState
            {
                Status = status,
                Start = step.State.Runtime.Start,
                Message = message,
            },
        };

    public static void Disconnect(Step step)
    {
        if (step.State.Runtime.Status == "off")
        {
            step.Refuse("there is no runtime");
            return;
        }
        Stop(step);
        Without(step, "off");
    }

    private static void Stop(Step step)
    {
        AbortAll(step);
        if (step.State.Runtime.Status is "connected" or "starting")
            step.Do(new Effect.StopRuntime());
    }

    public static void Connected(Step step, RuntimeOperation.Connected operation)
    {
        if (step.State.Runtime.Status != "starting" || step.State.Runtime.Start != operation.Start)
        {
            step.Refuse("this runtime is not expected");
            return;
        }
        step.State = step.State with
        {
            Runtime = new RuntimeState
            {
                Status = "connected",
                Start = operation.Start,
                Id = operation.Runtime,
                Node = operation.Node,
                Pid = operation.Pid,
                Framework = operation.Framework,
            },
        };
        EvaluationRules.Pump(step);
    }

    public static void Down(Step step, RuntimeOperation.Down operation)
    {
        var current = step.State.Runtime;
        if (current.Status != "connected" || current.Id != operation.Runtime)
        {
            step.Refuse("that runtime is not in use any more");
            return;
        }
        AbortAll(step);
        Without(step, "down", operation.Reason);
    }

    public static void Away(Step step, RuntimeOperation.Away operation)
    {
        var current = step.State.Runtime;
        if (current.Status != "connected" || current.Id != operation.Runtime)
        {
            step.Refuse("that runtime is not in use any more");
            return;
        }
        step.State = step.State with { Runtime = current with { Message = operation.Reason } };
        if (operation.Reason is null)
            Resend(step);
    }

    /// <summary>What was sent last may not have arrived: what the runtime knows already it ignores.</summary>
    private static void Resend(Step step)
    {
        foreach (var place in Flow.Walk(step.State.Notebook).Where(place => step.State.StateOf(place.Cell.Id).Status == CellStatus.Evaluating))
            EvaluationRules.SendAgain(step, place);
        EvaluationRules.Pump(step);
    }

    public static void StartFailed(Step step, RuntimeOperation.StartFailed operation)
    {
        if (step.State.Runtime.Status != "starting" || step.State.Runtime.Start != operation.Start)
        {
            step.Refuse("nobody waits for this runtime any more");
            return;
        }
        AbortAll(step);
        Without(step, "down", operation.Reason);
    }

    /// <summary>The queue is empty, and whatever had run has lost what it defined.</summary>
    private static void AbortAll(Step step)
    {
        EvaluationRules.Unqueue(step, _ => true);
        foreach (var (id, cell) in step.State.Cells)
        {
            if (cell.Status == CellStatus.Evaluating || cell.Validity == CellValidity.Evaluated)
                step.SetCell(id, cell with { Status = CellStatus.Ready, Validity = CellValidity.Aborted, Progress = null, StartedAt = null });
        }
    }

    /// <summary>The process lives, but what cells had defined is gone (E8). What runs now goes on.</summary>
    private static void StateLost(Step step)
    {
        EvaluationRules.Unqueue(step, _ => true);
        foreach (var (id, cell) in step.State.Cells)
        {
            if (cell is { Status: CellStatus.Ready, Validity: CellValidity.Evaluated })
                step.SetCell(id, cell with { Validity = CellValidity.Aborted });
        }
    }

    public static void Adopted(Step step, SystemOperation.Adopted operation)
    {
        FileRules.Adopted(step);
        if (operation.RuntimeAlive)
        {
            // The last owner may have died between the log and the runtime.
            Resend(step);
            return;
        }
        if (step.State.Runtime.Status == "off")
            return;
        var had = step.State.Cells.Values.Any(cell => cell.Status != CellStatus.Ready || cell.Validity == CellValidity.Evaluated);
        AbortAll(step);
        Without(step, "off");
        if (had)
        {
            step.State = step.State with
            {
                Notices = step.State.Notices.SetItem(
                    $"adopted-{operation.Epoch}",
                    new Notice(
                        "warning",
                        $"The runtime was lost with its server; the session goes on at {operation.Node}. Cells that had run are marked aborted: run them again."
                    )
                ),
            };
        }
    }

    public static void Reported(Step step, RuntimeOperation.Reported operation)
    {
        var runtime = step.State.Runtime;
        if (runtime.Status != "connected" || runtime.Id != operation.Runtime)
        {
            step.Refuse("that runtime is not in use any more");
            return;
        }
        if (operation.Sequence <= runtime.LastReport)
        {
            step.Refuse("this report is known");
            return;
        }
        step.State = step.State with { Runtime = runtime with { LastReport = operation.Sequence } };
        switch (operation.Report)
        {
            case RuntimeReport.Produced(var cell, var evaluation, var output) when Runs(step, cell, evaluation):
                OutputRules.Append(step, cell, output);
                break;
            case RuntimeReport.Progress(var cell, var evaluation, var text) when Runs(step, cell, evaluation):
                step.Update(cell, state => state with { Progress = text });
                break;
            case RuntimeReport.Started(var cell, var evaluation) when Runs(step, cell, evaluation):
                step.Update(cell, state => state with { StartedAt = step.Stamp.Time });
                break;
            case RuntimeReport.Finished finished when Runs(step, finished.Cell, finished.Evaluation):
                Finished(step, finished);
                break;
            case RuntimeReport.Diagnosed(var cell, var revision, var diagnostics) when step.State.Notebook.Find(cell) is not null:
                step.Update(
                    cell,
                    state => revision >= state.DiagnosticsRevision ? state with { Diagnostics = diagnostics, DiagnosticsRevision = revision } : state
                );
                break;
            case RuntimeReport.Memory(var bytes, _):
                step.State = step.State with { Runtime = step.State.Runtime with { MemoryBytes = bytes } };
                break;
            default:
                // Word of an evaluation that nobody waits for any more: only its number is kept.
                break;
        }
    }

    private static bool Runs(Step step, string cell, int evaluation) =>
        step.State.Cells.TryGetValue(cell, out var state) && state.Status == CellStatus.Evaluating && state.Evaluation == evaluation;

    private static void Finished(Step step, RuntimeReport.Finished report)
    {
        var aborted = report.Status == EvaluationStatus.Aborted;
        var errored = report.Status == EvaluationStatus.Failed;
        if (!report.StateKept)
            StateLost(step);
        var source = step.State.Notebook.Find(report.Cell)?.Source;
        step.Update(
            report.Cell,
            state =>
                state with
                {
                    Status = CellStatus.Ready,
                    Validity = aborted ? CellValidity.Aborted : CellValidity.Evaluated,
                    Errored = errored,
                    Unsupported = report.Status == EvaluationStatus.Unsupported,
                    DurationMs = report.DurationMs,
                    Progress = null,
                    StartedAt = null,
                    // Of a text that has changed since then, the compiler is asked again anyway.
                    Diagnostics = source == state.EvaluatedSource ? report.Diagnostics : state.Diagnostics,
                    DiagnosticsRevision = source == state.EvaluatedSource ? state.TextRevision : state.DiagnosticsRevision,
                }
        );
        var stops = aborted || (errored && step.State.Notebook.Find(report.Cell) is not CodeCell { ContinueOnError: true });
        if (stops)
            EvaluationRules.UnqueueDependents(step, report.Cell, Flow.Walk(step.State.Notebook));
        EvaluationRules.Reevaluate(step);
        EvaluationRules.Pump(step);
    }
}
