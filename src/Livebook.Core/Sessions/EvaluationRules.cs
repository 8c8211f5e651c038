using System.Collections.Immutable;
using Livebook.Core.Notebooks;

namespace Livebook.Core.Sessions;

/// <summary>What is queued, what runs, what stops (E3, E5–E13).</summary>
internal static class EvaluationRules
{
    public static void Evaluate(Step step, ClientOperation.Evaluate operation)
    {
        var places = Flow.Walk(step.State.Notebook);
        var chosen = Choose(step, operation, places);
        if (step.Refusal is not null)
            return;
        if (chosen.Count == 0)
        {
            step.Refuse("there is nothing to evaluate");
            return;
        }
        // Setup cells build on each other: the later ones run again with an earlier one (E10).
        var setup = places.Where(place => place.Section == Section.SetupId).SkipWhile(place => !chosen.Contains(place.Cell.Id));
        chosen.UnionWith(setup.Where(place => !EmptySetup(place)).Select(place => place.Cell.Id));
        if (chosen.Any(id => SetupAgain(step.State, id)))
            RuntimeRules.Restart(step);
        // Whoever waits for the evaluation learns which cells belong to it.
        step.Resource = string.Join(',', Queue(step, chosen, places));
    }

    private static HashSet<string> Choose(Step step, ClientOperation.Evaluate operation, Places places)
    {
        var chosen = new HashSet<string>();
        foreach (var id in operation.Cells)
        {
            if (places.Find(id) is null)
                step.Refuse($"there is no cell {id} that can be evaluated");
            chosen.Add(id);
        }
        switch (operation.Scope)
        {
            case "cells":
                if (chosen.Count > 0 && chosen.All(id => step.State.StateOf(id).Status != CellStatus.Ready))
                    step.Refuse("the cell is already queued or running");
                break;
            case "all":
                chosen.UnionWith(places.Where(place => !EmptySetup(place)).Select(place => place.Cell.Id));
                break;
            case "section":
                chosen.UnionWith(places.Where(place => place.Section == operation.Section).Select(place => place.Cell.Id));
                break;
            case "outdated":
                var outdated = Outdated(step.State, places);
                outdated.UnionWith(chosen);
                if (places.Any(place => place.Section == Section.SetupId && outdated.Contains(place.Cell.Id) && SetupAgain(step.State, place.Cell.Id)))
                    outdated = [.. places.Select(place => place.Cell.Id)];
                foreach (var place in places)
                {
                    // Who builds on something that is about to run runs too (E13).
                    if (place.Parent is { } parent && outdated.Contains(parent))
                        outdated.Add(place.Cell.Id);
                }
                chosen.UnionWith(places.Where(place => outdated.Contains(place.Cell.Id) && !EmptySetup(place)).Select(place => place.Cell.Id));
                break;
            default:
                step.Refuse($"scope must be cells, outdated, all or section, found {operation.Scope}");
                break;
        }
        return chosen;
    }

    /// <summary>A setup cell that ran before needs a fresh process to run again (E10).</summary>
    private static bool SetupAgain(SessionState state, string id) =>
        id == Cell.SetupId && state.Runtime.Status == "connected" && state.StateOf(id) is { Evaluation: > 0, Validity: not CellValidity.Aborted };

    private static bool EmptySetup(Place place) => place.Section == Section.SetupId && string.IsNullOrWhiteSpace(place.Cell.Source);

    /// <summary>Cells whose outputs are not those of their present text on their present ancestors.</summary>
    public static HashSet<string> Outdated(SessionState state, Places places)
    {
        var snapshots = Flow.Snapshots(state, places);
        return
        [
            .. places
                .Where(place =>
                {
                    var cell = state.StateOf(place.Cell.Id);
                    return !EmptySetup(place)
                        && (cell.Validity != CellValidity.Evaluated || cell.EvaluatedSource != place.Cell.Source || cell.Snapshot != snapshots[place.Index]);
                })
                .Select(place => place.Cell.Id),
        ];
    }

    /// <summary>Queues cells with their outdated ancestors, in document order, and starts what can start. Returns those it has queued.</summary>
    public static List<string> Queue(Step step, HashSet<string> chosen, Places places)
    {
        var outdated = Outdated(step.State, places);
        var wanted = new HashSet<string>(chosen);
        var ancestors = new HashSet<string>(chosen);
        // From the end, so that every cell is seen after all that build on it.
        foreach (var place in places.Reverse())
        {
            if (!ancestors.Contains(place.Cell.Id) || place.Parent is not { } parent)
                continue;
            ancestors.Add(parent);
            if (outdated.Contains(parent))
                wanted.Add(parent);
        }
        // What builds on something that runs before it is outdated by then.
        foreach (var place in places)
        {
            if (
                place.Parent is { } parent
                && ancestors.Contains(place.Cell.Id)
                && (wanted.Contains(parent) || step.State.StateOf(parent).Status != CellStatus.Ready)
            )
                wanted.Add(place.Cell.Id);
        }
        var queued = new List<string>();
        foreach (var place in places.Where(place => wanted.Contains(place.Cell.Id)))
        {
            if (step.State.StateOf(place.Cell.Id).Status != CellStatus.Ready)
                continue;
            queued.Add(place.Cell.Id);
            step.Update(place.Cell.Id, cell => cell with { Status = CellStatus.Queued });
            step.State = step.State with { Queue = step.State.Queue.Add(place.Cell.Id) };
        }
        Pump(step);
        return queued;
    }

    /// <summary>Starts every queued cell whose turn it is; first of all a runtime, when there is none.</summary>
    public static void Pump(Step step)
    {
        if (step.State.Queue.IsEmpty)
            return;
        if (step.State.Runtime.Status is "off" or "down")
        {
            RuntimeRules.Start(step);
            return;
        }
        if (step.State.Runtime.Status != "connected")
            return;

        var places = Flow.Walk(step.State.Notebook);
        var busy = places.Where(place => step.State.StateOf(place.Cell.Id).Status == CellStatus.Evaluating).Select(place => place.Flow).ToHashSet();
        foreach (var id in step.State.Queue)
        {
            if (places.Find(id) is not { } place || busy.Contains(place.Flow))
                continue;
            // The first cell of a branch starts from the main flow's state: it waits until nothing there can change it (E6).
            if (place.StartsBranch && (busy.Contains(Flow.Main) || step.State.Queue.Any(other => places.Find(other)?.Flow == Flow.Main)))
                continue;
            busy.Add(place.Flow);
            Start(step, place, places);
        }
    }

    /// <summary>Cells have left or changed their flows: who waited for them goes on.</summary>
    public static void Settle(Step step)
    {
        Reevaluate(step);
        Pump(step);
    }

    private static ImmutableArray<string> Path(SessionState state, Places places, string id) =>
        [.. places.Ancestors(id).Where(ancestor => state.StateOf(ancestor) is { Validity: CellValidity.Evaluated, Errored: false })];

    /// <summary>Asks once more for an evaluation that was started already.</summary>
    public static void SendAgain(Step step, Place place)
    {
        var cell = step.State.StateOf(place.Cell.Id);
        Ask(step, place, cell.Evaluation, cell.EvaluatedSource ?? "");
    }

    private static void Ask(Step step, Place place, int evaluation, string source)
    {
        var path = Path(step.State, Flow.Walk(step.State.Notebook), place.Cell.Id);
        step.Do(new Effect.StartEvaluation(place.Cell.Id, evaluation, place.Cell.Language, source, path, place.Flow));
    }

    private static void Start(Step step, Place place, Places places)
    {
        var id = place.Cell.Id;
        var snapshot = Flow.Snapshots(step.State, places)[place.Index];
        var evaluation = step.State.StateOf(id).Evaluation + 1;
        OutputRules.Clear(step, id);
        step.State = step.State with { Queue = step.State.Queue.Remove(id) };
        step.Update(
            id,
            cell =>
                cell with
                {
                    Status = CellStatus.Evaluating,
                    Errored = false,
                    Unsupported = false,
                    Evaluation = evaluation,
                    EvaluatedSource = place.Cell.Source,
                    Snapshot = snapshot,
                    StartedAt = step.Stamp.Time,
                    DurationMs = null,
                    Progress = null,
                    Diagnostics = [],
                    DiagnosticsRevision = cell.TextRevision,
                }
        );
        Ask(step, place, evaluation, place.Cell.Source);
    }

    /// <summary>Stops one cell or all.</summary>
    public static void Cancel(Step step, ClientOperation.Cancel operation)
    {
        var places = Flow.Walk(step.State.Notebook);
        var targets = operation.Cell is { } cell
            ? [cell]
            : places.Select(place => place.Cell.Id).Where(id => step.State.StateOf(id).Status != CellStatus.Ready).ToArray();
        var stopped = false;
        foreach (var id in targets)
            stopped |= Stop(step, id, places);
        if (!stopped)
            step.Refuse("nothing is queued or running");
    }

    /// <summary>Takes a cell and what builds on it out of the queue, or stops it when it runs.</summary>
    public static bool Stop(Step step, string id, Places places)
    {
        var cell = step.State.StateOf(id);
        switch (cell.Status)
        {
            case CellStatus.Queued:
                var dependents = Flow.Dependents(places, id);
                Unqueue(step, queued => queued == id || dependents.Contains(queued));
                return true;
            case CellStatus.Evaluating:
                step.Do(new Effect.StopEvaluation(id, cell.Evaluation));
                UnqueueDependents(step, id, places);
                return true;
            default:
                return false;
        }
    }

    public static void UnqueueDependents(Step step, string id, Places places)
    {
        if (!step.State.Queue.IsEmpty)
            Unqueue(step, Flow.Dependents(places, id).Contains);
    }

    /// <summary>Nothing is queued, and nobody waits for what runs.</summary>
    public static void Abandon(Step step)
    {
        Unqueue(step, _ => true);
        foreach (var (id, cell) in step.State.Cells.Where(entry => entry.Value.Status == CellStatus.Evaluating))
        {
            step.Do(new Effect.StopEvaluation(id, cell.Evaluation));
            step.SetCell(id, cell with { Status = CellStatus.Ready, Validity = CellValidity.Aborted, Progress = null, StartedAt = null });
        }
    }

    public static void Unqueue(Step step, Func<string, bool> which)
    {
        foreach (var id in step.State.Queue.Where(which).ToArray())
        {
            step.State = step.State with { Queue = step.State.Queue.Remove(id) };
            step.Update(id, cell => cell with { Status = CellStatus.Ready });
        }
    }

    /// <summary>Queues cells that re-evaluate automatically and have become stale (E12).</summary>
    public static void Reevaluate(Step step)
    {
        var places = Flow.Walk(step.State.Notebook);
        if (!places.Any(place => place.Cell.ReevaluateAutomatically))
            return;
        var snapshots = Flow.Snapshots(step.State, places);
        var again = places
            .Where(place =>
                place.Cell.ReevaluateAutomatically
                && step.State.StateOf(place.Cell.Id) is { Status: CellStatus.Ready, Validity: CellValidity.Evaluated } cell
                && cell.Snapshot != snapshots[place.Index]
                && !places.Ancestors(place.Cell.Id).Any(ancestor => Blocks(step.State, ancestor))
            )
            .Select(place => place.Cell.Id)
            .ToHashSet();
        if (again.Count > 0)
            Queue(step, again, places);
    }

    private static bool Blocks(SessionState state, string id) => state.StateOf(id).Errored && state.Notebook.Find(id) is not CodeCell { ContinueOnError: true };

    /// <summary>Every cell is as if it had never run (E11).</summary>
    public static void EraseAll(Step step)
    {
        var places = Flow.Walk(step.State.Notebook);
        foreach (var place in places)
            Stop(step, place.Cell.Id, places);
        foreach (var place in places)
        {
            OutputRules.Clear(step, place.Cell.Id);
            step.Update(
                place.Cell.Id,
                cell =>
                    cell.Status == CellStatus.Evaluating
                        ? cell
                        : cell with
                        {
                            Validity = CellValidity.Fresh,
                            Errored = false,
                            Snapshot = null,
                            DurationMs = null,
                            Diagnostics = [],
                        }
            );
        }
    }
}
