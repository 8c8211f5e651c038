using System.Collections.Immutable;

namespace Livebook.Core.Notebooks;

/// <summary>Changes to sections.</summary>
public static partial class NotebookEdits
{
    /// <summary>Inserts a section in front of a cell of another: the cells from there on move into the new one (M8).</summary>
    /// <param name="sectionId">Id of the new section.</param>
    /// <param name="after">The section in which it is inserted; null = below all sections.</param>
    /// <param name="index">Cell index in <paramref name="after"/>; null = behind its last cell.</param>
    /// <param name="name">Null = the default name.</param>
    /// <param name="parent">The section it branches from; null = a regular section. See <see cref="RegularSectionAbove"/>.</param>
    public static Edit InsertSection(
        this Notebook notebook,
        string sectionId,
        string? after = null,
        int? index = null,
        string? name = null,
        string? parent = null
    )
    {
        if (notebook.FindSection(sectionId) is not null)
            return Edit.Refused($"There is a section with the id {sectionId} already.");

        var host = after is null ? null : notebook.FindSection(after);
        if (after is not null && host is null)
            return NoSection(after);

        var place = host is null ? notebook.Sections.Length : IndexOf(notebook, host.Id) + 1;
        ImmutableArray<Cell> taken = [];
        if (host is not null && host.Id != Section.SetupId)
        {
            var cut = Math.Clamp(index ?? host.Cells.Length, 0, host.Cells.Length);
            taken = host.Cells[cut..];
            if (!taken.IsEmpty)
                notebook = notebook.With(host with { Cells = host.Cells[..cut] });
        }

        var section = new Section
        {
            Id = sectionId,
            Name = Names.OfSection(name ?? ""),
            Cells = taken,
        };
        var inserted = notebook with { Sections = notebook.Sections.Insert(place, section) };
        return parent is null ? inserted : inserted.SetParent(sectionId, parent);
    }

    /// <summary>Sets a section's name, normalised (M12).</summary>
    public static Edit RenameSection(this Notebook notebook, string sectionId, string name)
    {
        if (sectionId == Section.SetupId)
            return Edit.Refused("The setup section has no name of its own.");
        return notebook.FindSection(sectionId) is { } section ? notebook.With(section with { Name = Names.OfSection(name) }) : NoSection(sectionId);
    }

    /// <summary>Deletes a section; its cells too, or they go to the end of the previous section (M9).</summary>
    public static Edit DeleteSection(this Notebook notebook, string sectionId, bool deleteCells)
    {
        if (sectionId == Section.SetupId)
            return Edit.Refused("The setup section cannot be deleted.");
        var index = IndexOf(notebook, sectionId);
        if (index < 0)
            return NoSection(sectionId);
        if (HasBranches(notebook, sectionId))
            return Edit.Refused("Other sections branch from this one, so it cannot be deleted.");

        var section = notebook.Sections[index];
        var sections = notebook.Sections;
        if (!deleteCells && !section.Cells.IsEmpty)
        {
            if (index == 0)
                return Edit.Refused("The first section can only be deleted with its cells.");
            var previous = sections[index - 1];
            sections = sections.SetItem(index - 1, previous with { Cells = previous.Cells.AddRange(section.Cells) });
        }

        return notebook with
        {
            Sections = sections.RemoveAt(index),
        };
    }

    /// <summary>Moves a section up (negative) or down; never above the one it branches from, nor below one that branches from it (M6).</summary>
    public static Edit MoveSection(this Notebook notebook, string sectionId, int offset)
    {
        if (sectionId == Section.SetupId)
            return Edit.Refused("The setup section is always first.");
        var from = IndexOf(notebook, sectionId);
        if (from < 0)
            return NoSection(sectionId);
        var to = (int)Math.Clamp((long)from + offset, 0, notebook.Sections.Length - 1);
        if (from == to)
            return Edit.Refused(offset < 0 ? "The section is first already." : "The section is last already.");

        var section = notebook.Sections[from];
        var moved = notebook with { Sections = notebook.Sections.RemoveAt(from).Insert(to, section) };
        if (section.Parent is not null && IndexOf(moved, section.Parent) > to)
            return Edit.Refused("A branching section stays below the one it branches from.");
        if (moved.Sections.Take(to).Any(each => each.Parent == sectionId))
            return Edit.Refused("A section stays above those that branch from it.");
        return moved;
    }

    /// <summary>Makes a section branch from an earlier regular one; null makes it regular (M6).</summary>
    public static Edit SetParent(this Notebook notebook, string sectionId, string? parent)
    {
        if (sectionId == Section.SetupId || parent == Section.SetupId)
            return Edit.Refused("The setup section takes no part in branching.");
        var index = IndexOf(notebook, sectionId);
        if (index < 0)
            return NoSection(sectionId);
        if (parent is null)
            return notebook.With(notebook.Sections[index] with { Parent = null });

        var parentIndex = IndexOf(notebook, parent);
        if (parentIndex < 0)
            return NoSection(parent);
        if (parentIndex >= index)
            return Edit.Refused("A section can only branch from an earlier one.");
        if (notebook.Sections[parentIndex].Parent is not null)
            return Edit.Refused("A section cannot branch from one that is branching itself.");
        if (HasBranches(notebook, sectionId))
            return Edit.Refused("Other sections branch from this one, so it cannot branch itself.");
        return notebook.With(notebook.Sections[index] with { Parent = parent });
    }

    /// <summary>The nearest regular section above this one: what a new branching section branches from by default (M8). Null when there is none.</summary>
    public static Section? RegularSectionAbove(this Notebook notebook, string sectionId)
    {
        for (var i = IndexOf(notebook, sectionId) - 1; i >= 0; i--)
        {
            if (notebook.Sections[i].Parent is null)
                return notebook.Sections[i];
        }

        return null;
    }

    private static bool HasBranches(Notebook notebook, string sectionId) => notebook.Sections.Any(each => each.Parent == sectionId);

    private static int IndexOf(Notebook notebook, string sectionId)
    {
        for (var i = 0; i < notebook.Sections.Length; i++)
        {
            if (notebook.Sections[i].Id == sectionId)
                return i;
        }

        return -1;
    }
}
