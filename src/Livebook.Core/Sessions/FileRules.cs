using Livebook.Core.Notebooks;
using Livebook.Core.Wire;

namespace Livebook.Core.Sessions;

/// <summary>Saving: when, and what becomes of it (P1, P2, P4; DESIGN §3.9).</summary>
internal static class FileRules
{
    /// <summary>Seconds until a save that failed is tried again.</summary>
    private const int RetrySeconds = 5;

    public static void ContentChanged(Step step)
    {
        var state = step.State with { ContentRevision = step.State.ContentRevision + 1 };
        if (state.File.State == "saved")
        {
            state = state with { File = state.File with { State = "dirty" } };
            Schedule(step, state.Notebook.AutosaveSeconds);
        }
        step.State = state;
    }

    /// <summary>What waits to be saved waits as long as is set now.</summary>
    public static void AutosaveChanged(Step step)
    {
        if (step.State.File.State is "dirty" or "failed" or "out_of_reach")
            Schedule(step, step.State.Notebook.AutosaveSeconds);
    }

    private static void Schedule(Step step, int? seconds)
    {
        if (seconds is { } wait)
            step.Do(new Effect.ScheduleAutosave(wait));
    }

    public static void AutosaveDue(Step step)
    {
        if (step.State.File.State is "dirty" or "failed" or "out_of_reach" && step.State.Notebook.AutosaveSeconds is not null)
            Save(step, overwrite: false);
        else
            step.Refuse("there is nothing to save");
    }

    public static void SaveNow(Step step)
    {
        switch (step.State.File.State)
        {
            case "none":
                step.Refuse("the notebook has no file yet: choose one");
                break;
            case "saving":
                step.Refuse("the notebook is being saved");
                break;
            case "changed_outside":
                step.Refuse("the file was changed outside: choose whether to reload, keep both or overwrite");
                break;
            default:
                Save(step, overwrite: false);
                break;
        }
    }

    private static void Save(Step step, bool overwrite)
    {
        step.State = step.State with { File = step.State.File with { State = "saving", Message = null } };
        step.Do(new Effect.SaveFile(overwrite));
    }

    public static void Saving(Step step, SystemOperation.Saving operation)
    {
        if (Saves(step))
            step.State = step.State with { File = step.State.File with { Attempt = operation.Hash } };
    }

    private static bool Saves(Step step)
    {
        if (step.State.File.State != "saving")
            step.Refuse("nobody waits for this save any more");
        return step.Refusal is null;
    }

    /// <summary>Whoever takes a session over finishes what its last owner began.</summary>
    public static void Adopted(Step step)
    {
        if (step.State.File.State == "saving")
            step.Do(new Effect.SaveFile(Overwrite: false));
        else
            AutosaveChanged(step);
    }

    public static void Saved(Step step, SystemOperation.Saved operation)
    {
        var file = step.State.File;
        if (file.Path != operation.Path || file.Node != operation.Node)
        {
            step.Refuse("the notebook is saved elsewhere now");
            return;
        }
        var clean = operation.SavedRevision == step.State.ContentRevision;
        step.State = step.State with
        {
            File = file with
            {
                State = clean ? "saved" : "dirty",
                Version = operation.Version,
                SavedRevision = operation.SavedRevision,
                SavedAt = step.Stamp.Time,
                Message = null,
            },
        };
        if (!clean)
            Schedule(step, step.State.Notebook.AutosaveSeconds);
    }

    public static void SaveFailed(Step step, SystemOperation.SaveFailed operation)
    {
        if (!Saves(step))
            return;
        var kind = operation.Kind is "changed_outside" or "out_of_reach" ? operation.Kind : "failed";
        step.State = step.State with { File = step.State.File with { State = kind, Message = operation.Message } };
        if (kind != "changed_outside" && step.State.Notebook.AutosaveSeconds is { } seconds)
            Schedule(step, Math.Max(RetrySeconds, seconds));
    }

    public static void SetFile(Step step, ClientOperation.SetFile operation)
    {
        if (operation.Path is not null)
        {
            step.Refuse("the file must be locked first");
            return;
        }
        Release(step);
        step.State = step.State with { File = new FileState() };
    }

    /// <summary>From now on the session is saved there. With a known version of the file its content is taken to be what the session holds.</summary>
    public static void Attached(Step step, SystemOperation.FileAttached operation)
    {
        if (step.State.File.Path != operation.Path || step.State.File.Node != operation.Node)
            Release(step);
        step.State = step.State with
        {
            File = new FileState
            {
                State = "saving",
                Node = operation.Node,
                Path = operation.Path,
                Version = operation.Version,
            },
        };
        step.Do(new Effect.SaveFile(Overwrite: false));
    }

    private static void Release(Step step)
    {
        if (step.State.File is { Node: { } node, Path: { } path })
            step.Do(new Effect.ReleaseFile(node, path));
    }

    public static void Resolve(Step step, ClientOperation.ResolveFileConflict operation)
    {
        if (step.State.File.State != "changed_outside")
        {
            step.Refuse("the file was not changed outside");
            return;
        }
        switch (operation.Choice)
        {
            case "reload":
                step.Do(new Effect.ReloadFile());
                break;
            case "keep_both":
                step.Do(new Effect.KeepBoth());
                break;
            case "overwrite":
                Save(step, overwrite: true);
                break;
            default:
                step.Refuse($"choice must be reload, keep_both or overwrite, found {operation.Choice}");
                break;
        }
    }

    /// <summary>Takes the file's content. Cells whose text is the same keep their id and outputs; what differs is set anew.</summary>
    public static void Reloaded(Step step, SystemOperation.FileReloaded operation)
    {
        EvaluationRules.Abandon(step);
        var old = step.State.Notebook.Cells.ToLookup(cell => (cell.GetType(), cell.Source));
        var used = new HashSet<string> { Cell.SetupId };
        Cell Keep(Cell cell)
        {
            if (cell.Id == Cell.SetupId)
                return cell;
            var same = old[(cell.GetType(), cell.Source)].FirstOrDefault(candidate => !used.Contains(candidate.Id));
            return same is not null && used.Add(same.Id) ? cell with { Id = same.Id } : cell;
        }
        var notebook = operation.Notebook with
        {
            Setup = operation.Notebook.Setup with { Cells = [.. operation.Notebook.Setup.Cells.Select(Keep)] },
            Sections = [.. operation.Notebook.Sections.Select(section => section with { Cells = [.. section.Cells.Select(Keep)] })],
        };
        foreach (var gone in step.State.Notebook.Cells.Where(cell => notebook.Find(cell.Id) is null).ToArray())
        {
            OutputRules.Clear(step, gone.Id);
            step.State = step.State with { Cells = step.State.Cells.Remove(gone.Id) };
            step.Do(new Effect.ForgetEvaluation(gone.Id));
        }
        step.State = step.State with
        {
            Notebook = notebook,
            ContentRevision = step.State.ContentRevision + 1,
            File = step.State.File with
            {
                State = "saved",
                Version = operation.Version,
                SavedRevision = step.State.ContentRevision + 1,
                SavedAt = step.Stamp.Time,
                Message = null,
            },
        };
        foreach (var cell in notebook.Cells)
        {
            if (cell is EvaluableCell code && !step.State.Cells.ContainsKey(cell.Id))
                OutputRules.Restore(step, code);
            step.Update(cell.Id, state => state with { TextRevision = state.TextRevision + 1, TextHistory = [] });
            step.Say(new StreamEntry.TextReplaced(cell.Id, step.State.StateOf(cell.Id).TextRevision, cell.Source));
        }
    }
}
