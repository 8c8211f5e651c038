using Livebook.Core.Notebooks;
using Livebook.Core.Text;
using Livebook.Core.Wire;

namespace Livebook.Core.Sessions;

/// <summary>Text edits: late ones are rebased over what came before them, one update at a time.</summary>
public static class TextRules
{
    /// <summary>Updates kept per cell: an editor that is further behind has to start from the whole text.</summary>
    private const int HistoryLength = 500;

    /// <summary>The updates behind a revision, or null when they are not kept any more (or the revision is not of this text).</summary>
    public static IReadOnlyList<TextUpdate>? Since(CellState cell, int revision)
    {
        var missed = cell.TextRevision - revision;
        if (missed < 0 || missed > cell.TextHistory.Count)
            return null;
        return missed == 0 ? [] : cell.TextHistory.GetRange(cell.TextHistory.Count - missed, missed);
    }

    internal static void Edit(Step step, ClientOperation.EditText operation)
    {
        if (step.State.Notebook.Find(operation.Cell) is not { } cell)
        {
            step.Refuse("the cell is gone");
            return;
        }
        var state = step.State.StateOf(operation.Cell);
        if (operation.Editor.Length is 0 or > 64 || Since(state, operation.Revision) is not { } missed)
        {
            step.Refuse("the edit is too far behind the cell's text: load the cell again");
            return;
        }
        var source = cell.Source;
        var history = state.TextHistory;
        var revision = state.TextRevision;
        try
        {
            var accepted = TextAuthority.Accept([.. missed.Select(update => (update.Editor, update.Changes))], operation.Editor, operation.Updates);
            foreach (var changes in accepted)
            {
                source = changes.Apply(source);
                if (source.Length > CellRules.SourceCharacters)
                {
                    step.Refuse($"a cell holds at most {CellRules.SourceCharacters} characters");
                    return;
                }
                history = history.Add(new TextUpdate(operation.Editor, changes));
                revision++;
                step.Say(new StreamEntry.TextChanged(operation.Cell, operation.Editor, changes));
            }
        }
        catch (Exception error) when (error is FormatException or ArgumentException)
        {
            step.Refuse($"the edit does not fit the cell's text: {error.Message}");
            return;
        }
        if (revision == state.TextRevision)
            return;
        if (history.Count > HistoryLength)
            history = history.RemoveRange(0, history.Count - HistoryLength);
        step.SetCell(operation.Cell, state with { TextHistory = history, TextRevision = revision });
        step.Take(step.State.Notebook.ReplaceCell(cell with { Source = source }));
        step.Do(new Effect.Diagnose(operation.Cell));
    }
}
