using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Livebook.Core.LiveMarkdown;
using Livebook.Core.Notebooks;
using Livebook.Core.Wire;

namespace Livebook.Core.Sessions;

/// <summary>Cells come, go, move and change their settings.</summary>
internal static partial class CellRules
{
    /// <summary>Characters of one cell's text at most.</summary>
    public const int SourceCharacters = 8 * 1024 * 1024;

    [GeneratedRegex(@"^[a-z0-9-]{8,40}\z")]
    private static partial Regex IdPattern { get; }

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9_+#.-]{0,39}\z")]
    private static partial Regex LanguagePattern { get; }

    public static bool LanguageFits(Step step, string? language)
    {
        if (language is not null && !LanguagePattern.IsMatch(language))
            step.Refuse("a language is a word such as csharp");
        return step.Refusal is null;
    }

    /// <summary>Whether a client may give something this id: well formed, and nothing has it.</summary>
    public static bool FreeId(Step step, string id)
    {
        if (!IdPattern.IsMatch(id))
            step.Refuse($"an id has 8 to 40 characters of a-z, 0-9 and -, found {id.Length} characters that are not so");
        else if (step.State.Notebook.Find(id) is not null || step.State.Notebook.FindSection(id) is not null || step.State.Bin.ContainsKey(id))
            step.Refuse($"the id {id} is taken");
        return step.Refusal is null;
    }

    public static void Insert(Step step, ClientOperation.InsertCell operation)
    {
        if (!FreeId(step, operation.Cell))
            return;
        var source = FileText.WithLineFeeds(operation.Source);
        if (source.Length > SourceCharacters)
        {
            step.Refuse($"a cell holds at most {SourceCharacters} characters, found {source.Length}");
            return;
        }
        var language = operation.Language ?? step.State.Notebook.DefaultLanguage;
        if (!LanguageFits(step, language))
            return;
        Cell? cell = operation.Kind switch
        {
            "code" => new CodeCell
            {
                Id = operation.Cell,
                Source = source,
                Language = language,
            },
            "markdown" => new MarkdownCell { Id = operation.Cell, Source = source },
            _ => null,
        };
        if (cell is null)
        {
            step.Refuse($"kind must be code or markdown, found {operation.Kind}");
            return;
        }
        if (step.Take(step.State.Notebook.InsertCell(operation.Section, operation.Index, cell)))
            Announce(step, cell);
    }

    private static void Announce(Step step, Cell cell)
    {
        step.Resource = cell.Id;
        step.Say(new StreamEntry.TextReplaced(cell.Id, step.State.StateOf(cell.Id).TextRevision, cell.Source));
    }

    public static void Delete(Step step, string id)
    {
        var places = Flow.Walk(step.State.Notebook);
        if (step.State.Notebook.Find(id) is not { } cell || step.State.Notebook.SectionOf(id) is not { } section)
        {
            step.Refuse("the cell is gone");
            return;
        }
        var index = section.Cells.IndexOf(cell);
        if (!step.Take(step.State.Notebook.RemoveCell(id)))
            return;
        ToBin(step, new BinEntry(cell, section.Id, section.Name, index, step.Stamp.Time), places);
        EvaluationRules.Settle(step);
    }

    /// <summary>Stops and forgets what a cell did and keeps its text in the bin. The cell has left the notebook already.</summary>
    public static void ToBin(Step step, BinEntry entry, Places places)
    {
        EvaluationRules.Stop(step, entry.Cell.Id, places);
        OutputRules.Clear(step, entry.Cell.Id);
        var was = step.State.StateOf(entry.Cell.Id);
        // Counts go on when the cell comes back: an editor that missed both must not take the new text for the old.
        var left = new CellState
        {
            TextRevision = was.TextRevision + 1,
            Evaluation = was.Evaluation,
            OutputCount = was.OutputCount,
        };
        step.State = step.State with { Cells = step.State.Cells.SetItem(entry.Cell.Id, left), Bin = step.State.Bin.SetItem(entry.Cell.Id, entry) };
        if (entry.Cell is EvaluableCell)
            step.Do(new Effect.ForgetEvaluation(entry.Cell.Id));
    }

    public static void Restore(Step step, string id)
    {
        if (!step.State.Bin.TryGetValue(id, out var entry))
        {
            step.Refuse("the cell is not in the bin");
            return;
        }
        var home = step.State.Notebook.FindSection(entry.Section);
        var section = home ?? step.State.Notebook.Sections.LastOrDefault();
        if (section is null)
        {
            step.Refuse("there is no section to restore the cell to: insert one first");
            return;
        }
        int? index = home is null ? null : Math.Min(entry.Index, home.Cells.Length);
        if (!step.Take(step.State.Notebook.InsertCell(section.Id, index, entry.Cell)))
            return;
        step.State = step.State with { Bin = step.State.Bin.Remove(id) };
        Announce(step, entry.Cell);
    }

    public static void Move(Step step, ClientOperation.MoveCell operation)
    {
        var before = Flow.Walk(step.State.Notebook);
        var notebook = step.State.Notebook;
        if (notebook.Find(operation.Cell) is null)
        {
            step.Refuse("the cell is gone");
            return;
        }
        var edit = operation.Section is { } section
            ? notebook.MoveCellTo(operation.Cell, section, operation.Index)
            : notebook.MoveCell(operation.Cell, operation.Offset);
        if (!step.Take(edit))
            return;
        var crossed = step.State.Notebook.SectionOf(operation.Cell)!.Id != notebook.SectionOf(operation.Cell)!.Id;
        if (crossed && step.State.StateOf(operation.Cell).Status == CellStatus.Evaluating)
            step.Refuse("a running cell cannot change its section: stop it first");
        else
            Moved(step, before);
    }

    /// <summary>Queued cells whose ancestors changed leave the queue; a running cell stays in its flow (E16).</summary>
    public static void Moved(Step step, Places before)
    {
        var after = Flow.Walk(step.State.Notebook);
        if (after.Any(place => step.State.StateOf(place.Cell.Id).Status == CellStatus.Evaluating && before.Find(place.Cell.Id)?.Flow != place.Flow))
        {
            step.Refuse("a running cell cannot move between the main flow and a branch: stop it first");
            return;
        }
        if (!step.State.Queue.IsEmpty)
        {
            var built = Flow.Chains(before);
            var builds = Flow.Chains(after);
            EvaluationRules.Unqueue(step, id => built[id] != builds[id]);
        }
        EvaluationRules.Settle(step);
    }

    public static void Set(Step step, ClientOperation.SetCell operation)
    {
        if (step.State.Notebook.Find(operation.Cell) is not EvaluableCell cell)
        {
            step.Refuse("there is no such code cell");
            return;
        }
        if (!LanguageFits(step, operation.Language))
            return;
        var changed = cell with
        {
            Language = operation.Language ?? cell.Language,
            ReevaluateAutomatically = operation.ReevaluateAutomatically ?? cell.ReevaluateAutomatically,
            OutputSize = operation.OutputSize ?? cell.OutputSize,
        };
        if (changed is CodeCell code && operation.ContinueOnError is { } continues)
            changed = code with { ContinueOnError = continues };
        if (step.Take(step.State.Notebook.ReplaceCell(changed)) && (operation.ReevaluateAutomatically == true || changed.Language != cell.Language))
            EvaluationRules.Settle(step);
    }
}
