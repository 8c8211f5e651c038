using System.Collections.Immutable;
using System.Diagnostics;
using Livebook.Core.Notebooks;

namespace Livebook.Core.Sessions;

/// <summary>The one place where a session changes: pure, so that replaying its log gives the same state on every node.</summary>
public static class SessionReducer
{
    /// <summary>How long an <c>Idempotency-Key</c> and a silent client's last ref are remembered.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromHours(24);

    /// <summary>How many keys are remembered at most, and after how many new ones old ones are forgotten.</summary>
    private const int MostKeys = 10_240;
    private const int TidyKeys = 256;

    /// <summary>The state of a session that was just opened with this notebook.</summary>
    public static SessionState Open(string id, Notebook notebook, DateTimeOffset now, ImmutableArray<string> warnings)
    {
        var state = new SessionState
        {
            Id = id,
            CreatedAt = now,
            Notebook = notebook,
            Notices = warnings.Select((text, index) => (text, index)).ToImmutableDictionary(w => $"import-{w.index}", w => new Notice("warning", w.text)),
        };
        var step = new Step(state, new Stamp(now));
        foreach (var cell in notebook.Cells.OfType<EvaluableCell>())
        {
            OutputRules.Restore(step, cell);
        }
        return step.State;
    }

    /// <summary>Applies one operation. A refusal leaves the state as it was.</summary>
    public static Outcome Apply(SessionState state, Operation operation, Stamp stamp)
    {
        if (stamp is { Client: { } client, Ref: { } number } && state.Refs.TryGetValue(client, out var seen) && seen.Includes(number))
            return new Outcome.Repeated(seen.Version, null);
        if (stamp.Key is { } key && state.Keys.TryGetValue(key, out var result) && stamp.Time - result.At < Memory)
            return new Outcome.Repeated(result.Version, result.Resource);

        var step = new Step(state, stamp);
        Dispatch(step, operation);
        if (step.Refusal is { } reason)
            return new Outcome.Rejected(reason);
        step.State = Remember(step.State with { Version = state.Version + 1 }, stamp, step.Resource);
        return new Outcome.Accepted(step.State, step.Effects, step.Text, step.Resource);
    }

    private static SessionState Remember(SessionState state, Stamp stamp, string? resource)
    {
        if (stamp is { Client: { } client, Ref: { } number })
        {
            var refs = state.Refs;
            if (!refs.ContainsKey(client))
                refs = refs.RemoveRange(refs.Where(entry => stamp.Time - entry.Value.At > Memory).Select(entry => entry.Key));
            state = state with { Refs = refs.SetItem(client, SeenRef.With(refs.GetValueOrDefault(client), number, stamp.Time, state.Version)) };
        }
        if (stamp.Key is { } key)
        {
            state = state with { Keys = Tidy(state.Keys, stamp.Time).SetItem(key, new KeyedResult(stamp.Time, state.Version, resource)) };
        }
        return state;
    }

    private static ImmutableDictionary<string, KeyedResult> Tidy(ImmutableDictionary<string, KeyedResult> keys, DateTimeOffset now)
    {
        // Now and then is enough: every operation of the API has a key.
        if (keys.Count % TidyKeys != 0 || keys.IsEmpty)
            return keys;
        keys = keys.RemoveRange(keys.Where(entry => now - entry.Value.At > Memory).Select(entry => entry.Key));
        var surplus = keys.Count + TidyKeys - MostKeys;
        return surplus <= 0 ? keys : keys.RemoveRange(keys.OrderBy(entry => entry.Value.Version).Take(surplus).Select(entry => entry.Key));
    }

    private static void Dispatch(Step step, Operation operation)
    {
        switch (operation)
        {
            case ClientOperation.RenameNotebook(var name):
                SectionRules.RenameNotebook(step, name);
                break;
            case ClientOperation.SetNotebook set:
                SectionRules.SetNotebook(step, set);
                break;
            case ClientOperation.InsertSection insert:
                SectionRules.Insert(step, insert);
                break;
            case ClientOperation.RenameSection rename:
                SectionRules.Rename(step, rename);
                break;
            case ClientOperation.DeleteSection delete:
                SectionRules.Delete(step, delete);
                break;
            case ClientOperation.MoveSection move:
                SectionRules.Move(step, move);
                break;
            case ClientOperation.SetSectionParent parent:
                SectionRules.SetParent(step, parent);
                break;
            case ClientOperation.InsertCell insert:
                CellRules.Insert(step, insert);
                break;
            case ClientOperation.DeleteCell(var cell):
                CellRules.Delete(step, cell);
                break;
            case ClientOperation.RestoreCell(var cell):
                CellRules.Restore(step, cell);
                break;
            case ClientOperation.MoveCell move:
                CellRules.Move(step, move);
                break;
            case ClientOperation.SetCell set:
                CellRules.Set(step, set);
                break;
            case ClientOperation.EditText edit:
                TextRules.Edit(step, edit);
                break;
            case ClientOperation.PatchText patch:
                TextPatching.Patch(step, patch);
                break;
            case ClientOperation.Evaluate evaluate:
                EvaluationRules.Evaluate(step, evaluate);
                break;
            case ClientOperation.Cancel cancel:
                EvaluationRules.Cancel(step, cancel);
                break;
            case ClientOperation.EraseOutputs(null):
                EvaluationRules.EraseAll(step);
                break;
            case ClientOperation.EraseOutputs({ } cell):
                OutputRules.Clear(step, cell);
                break;
            case ClientOperation.RestartRuntime:
                RuntimeRules.Restart(step);
                break;
            case ClientOperation.DisconnectRuntime:
                RuntimeRules.Disconnect(step);
                break;
            case ClientOperation.SetFile set:
                FileRules.SetFile(step, set);
                break;
            case ClientOperation.Save:
                FileRules.SaveNow(step);
                break;
            case ClientOperation.ResolveFileConflict resolve:
                FileRules.Resolve(step, resolve);
                break;
            case ClientOperation.DismissNotice(var notice):
                step.State = step.State with { Notices = step.State.Notices.Remove(notice) };
                break;
            case ClientOperation.DeleteAttachment(var name):
                AttachmentRules.Delete(step, name);
                break;
            case ClientOperation.RenameAttachment(var name, var newName):
                AttachmentRules.Rename(step, name, newName);
                break;
            case ClientOperation.SetSecret set:
                SecretRules.Set(step, set);
                break;
            case ClientOperation.DeleteSecret(var secret):
                SecretRules.Delete(step, secret);
                break;
            case ClientOperation.AllowSecret allow:
                SecretRules.Allow(step, allow);
                break;
            case RuntimeOperation.Reported reported:
                RuntimeRules.Reported(step, reported);
                break;
            case RuntimeOperation.Connected connected:
                RuntimeRules.Connected(step, connected);
                break;
            case RuntimeOperation.StartFailed failed:
                RuntimeRules.StartFailed(step, failed);
                break;
            case RuntimeOperation.Down down:
                RuntimeRules.Down(step, down);
                break;
            case RuntimeOperation.Away away:
                RuntimeRules.Away(step, away);
                break;
            case SystemOperation.Adopted adopted:
                RuntimeRules.Adopted(step, adopted);
                AttachmentRules.PlaceAll(step);
                break;
            case SystemOperation.AutosaveDue:
                FileRules.AutosaveDue(step);
                break;
            case SystemOperation.Saving saving:
                FileRules.Saving(step, saving);
                break;
            case SystemOperation.Saved saved:
                FileRules.Saved(step, saved);
                AttachmentRules.PlaceAll(step);
                break;
            case SystemOperation.SaveFailed failed:
                FileRules.SaveFailed(step, failed);
                break;
            case SystemOperation.FileReloaded reloaded:
                FileRules.Reloaded(step, reloaded);
                AttachmentRules.Reloaded(step);
                break;
            case SystemOperation.FileAttached attached:
                FileRules.Attached(step, attached);
                AttachmentRules.PlaceAll(step);
                break;
            case SystemOperation.AttachmentStored stored:
                AttachmentRules.Stored(step, stored);
                break;
            default:
                throw new UnreachableException($"no rule for {operation.GetType().Name}");
        }
    }
}
