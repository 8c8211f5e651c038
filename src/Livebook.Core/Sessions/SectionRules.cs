using Livebook.Core.Notebooks;

namespace Livebook.Core.Sessions;

/// <summary>Sections and the notebook's own settings (M6, M8–M10, M12).</summary>
internal static class SectionRules
{
    /// <summary>Characters of a name at most.</summary>
    private const int NameCharacters = 500;

    public static void RenameNotebook(Step step, string name)
    {
        if (NameFits(step, name))
            step.Take(step.State.Notebook.Rename(name));
    }

    private static bool NameFits(Step step, string name)
    {
        if (name.Length > NameCharacters)
            step.Refuse($"a name has at most {NameCharacters} characters, found {name.Length}");
        return step.Refusal is null;
    }

    public static void SetNotebook(Step step, ClientOperation.SetNotebook operation)
    {
        if (operation.AutosaveSeconds is < 0 or > 86_400)
        {
            step.Refuse($"autosaveSeconds must be 0 (never) to 86400, found {operation.AutosaveSeconds}");
            return;
        }
        if (!CellRules.LanguageFits(step, operation.DefaultLanguage))
            return;
        var notebook = step.State.Notebook;
        var clean = step.State.File.State == "saved";
        step.Change(
            notebook with
            {
                PersistOutputs = operation.PersistOutputs ?? notebook.PersistOutputs,
                AutosaveSeconds = operation.AutosaveSeconds switch
                {
                    null => notebook.AutosaveSeconds,
                    0 => null,
                    var seconds => seconds,
                },
                DefaultLanguage = operation.DefaultLanguage ?? notebook.DefaultLanguage,
            }
        );
        if (!clean && step.State.Notebook.AutosaveSeconds != notebook.AutosaveSeconds)
            FileRules.AutosaveChanged(step);
    }

    public static void Insert(Step step, ClientOperation.InsertSection operation)
    {
        if (!CellRules.FreeId(step, operation.Section) || !NameFits(step, operation.Name ?? ""))
            return;
        var before = Flow.Walk(step.State.Notebook);
        if (!step.Take(step.State.Notebook.InsertSection(operation.Section, operation.After, operation.Index, operation.Name, operation.Parent)))
            return;
        step.Resource = operation.Section;
        CellRules.Moved(step, before);
    }

    public static void Rename(Step step, ClientOperation.RenameSection operation)
    {
        if (NameFits(step, operation.Name))
            step.Take(step.State.Notebook.RenameSection(operation.Section, operation.Name));
    }

    public static void Delete(Step step, ClientOperation.DeleteSection operation)
    {
        var before = Flow.Walk(step.State.Notebook);
        var section = step.State.Notebook.FindSection(operation.Section);
        if (!step.Take(step.State.Notebook.DeleteSection(operation.Section, operation.DeleteCells)))
            return;
        if (operation.DeleteCells)
        {
            foreach (var (cell, index) in section!.Cells.Select((cell, index) => (cell, index)))
                CellRules.ToBin(step, new BinEntry(cell, section.Id, section.Name, index, step.Stamp.Time), before);
        }
        CellRules.Moved(step, before);
    }

    public static void Move(Step step, ClientOperation.MoveSection operation)
    {
        var before = Flow.Walk(step.State.Notebook);
        if (step.Take(step.State.Notebook.MoveSection(operation.Section, operation.Offset)))
            CellRules.Moved(step, before);
    }

    public static void SetParent(Step step, ClientOperation.SetSectionParent operation)
    {
        var before = Flow.Walk(step.State.Notebook);
        if (step.Take(step.State.Notebook.SetParent(operation.Section, operation.Parent)))
            CellRules.Moved(step, before);
    }
}
