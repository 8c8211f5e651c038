using System.Collections.Immutable;

namespace Livebook.Core.Notebooks;

/// <summary>Changes to cells. Every change is a new notebook or a refusal; positions outside the section are moved to its nearest end, because another author may have changed it meanwhile.</summary>
public static partial class NotebookEdits
{
    /// <summary>Sets the notebook's name, normalised (M12).</summary>
    public static Edit Rename(this Notebook notebook, string name) => notebook with { Name = Names.OfNotebook(name) };

    /// <summary>Inserts a cell.</summary>
    /// <param name="index">Position within the section; null = at its end.</param>
    public static Edit InsertCell(this Notebook notebook, string sectionId, int? index, Cell cell)
    {
        if (notebook.FindSection(sectionId) is not { } section)
            return NoSection(sectionId);
        if (notebook.Find(cell.Id) is not null)
            return Edit.Refused($"There is a cell with the id {cell.Id} already.");
        var isSetupCell = cell is CodeCell && cell.Id.StartsWith(Cell.SetupId + "-", StringComparison.Ordinal);
        if (section.Id == Section.SetupId && !isSetupCell)
            return Edit.Refused("The setup section holds only setup cells.");
        if (section.Id != Section.SetupId && (isSetupCell || cell.Id == Cell.SetupId))
            return Edit.Refused("A setup cell belongs to the setup section.");

        var first = section.Id == Section.SetupId ? 1 : 0;
        var place = Math.Clamp(index ?? section.Cells.Length, first, section.Cells.Length);
        return notebook.With(section with { Cells = section.Cells.Insert(place, cell) });
    }

    /// <summary>Removes a cell; every one but the main setup cell (M5).</summary>
    public static Edit RemoveCell(this Notebook notebook, string cellId)
    {
        if (cellId == Cell.SetupId)
            return Edit.Refused("The setup cell cannot be deleted.");
        if (notebook.SectionOf(cellId) is not { } section)
            return NoCell(cellId);
        return notebook.With(section with { Cells = section.Cells.RemoveAll(cell => cell.Id == cellId) });
    }

    /// <summary>Puts a changed cell in the place of the one with the same id.</summary>
    public static Edit ReplaceCell(this Notebook notebook, Cell cell)
    {
        if (notebook.SectionOf(cell.Id) is not { } section)
            return NoCell(cell.Id);
        if (section.Id == Section.SetupId && cell is not CodeCell)
            return Edit.Refused("A setup cell is a code cell.");
        var index = IndexOf(section, cell.Id);
        return notebook.With(section with { Cells = section.Cells.SetItem(index, cell) });
    }

    /// <summary>Moves a cell up (negative) or down; crossing a section's border is one step (M10).</summary>
    public static Edit MoveCell(this Notebook notebook, string cellId, int offset)
    {
        if (notebook.SectionOf(cellId) is not { } section)
            return NoCell(cellId);
        if (section.Id == Section.SetupId)
            return SetupStays;

        // Null stands for the border in front of a section.
        var line = new List<Cell?>();
        foreach (var each in notebook.Sections)
        {
            line.Add(null);
            line.AddRange(each.Cells);
        }

        var from = line.FindIndex(cell => cell?.Id == cellId);
        var to = (int)Math.Clamp((long)from + offset, 1, line.Count - 1);
        if (from == to)
            return Edit.Refused(offset < 0 ? "The cell is at the top already." : "The cell is at the end already.");
        var moved = line[from];
        line.RemoveAt(from);
        line.Insert(to, moved);

        var sections = notebook.Sections.ToBuilder();
        var next = 0;
        for (var i = 0; i < sections.Count; i++)
        {
            next++;
            var cells = line.Skip(next).TakeWhile(cell => cell is not null).Select(cell => cell!).ToImmutableArray();
            next += cells.Length;
            if (!cells.SequenceEqual(sections[i].Cells))
                sections[i] = sections[i] with { Cells = cells };
        }

        return notebook with
        {
            Sections = sections.ToImmutable(),
        };
    }

    /// <summary>Moves a cell to a place.</summary>
    /// <param name="index">Position within the section once the cell was taken out of where it is; null = at its end.</param>
    public static Edit MoveCellTo(this Notebook notebook, string cellId, string sectionId, int? index)
    {
        if (notebook.SectionOf(cellId) is not { } source)
            return NoCell(cellId);
        if (notebook.FindSection(sectionId) is null)
            return NoSection(sectionId);
        if (source.Id == Section.SetupId || sectionId == Section.SetupId)
            return SetupStays;

        var cell = source.Cells[IndexOf(source, cellId)];
        var without = notebook.With(source with { Cells = source.Cells.Remove(cell) });
        return without.InsertCell(sectionId, index, cell);
    }

    private static readonly Edit SetupStays = Edit.Refused("Setup cells cannot be moved, and no cell can be moved among them.");

    private static Edit NoCell(string id) => Edit.Refused($"There is no cell {id}.");

    private static Edit NoSection(string id) => Edit.Refused($"There is no section {id}.");

    private static int IndexOf(Section section, string cellId)
    {
        for (var i = 0; i < section.Cells.Length; i++)
        {
            if (section.Cells[i].Id == cellId)
                return i;
        }

        return -1;
    }

    private static Notebook With(this Notebook notebook, Section section) =>
        section.Id == Section.SetupId
            ? notebook with
            {
                Setup = section,
            }
            : notebook with
            {
                Sections = notebook.Sections.SetItem(IndexOf(notebook, section.Id), section),
            };
}
