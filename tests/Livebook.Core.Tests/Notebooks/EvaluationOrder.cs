using System.Collections.Immutable;
using Livebook.Core.Notebooks;

namespace Livebook.Core.Tests.Notebooks;

/// <summary>Which cells' state a cell builds on (M7), straight from the words of the rule: what the session's faster walk is compared with.</summary>
internal static class EvaluationOrder
{
    /// <summary>
    /// Ids of the cells that are evaluated before this one, from the setup cell to its nearest parent: the evaluable cells above it in
    /// its section, of the section it branches from, of the regular sections above that, and the setup cells. Empty for the setup cell,
    /// for markdown and for an unknown id.
    /// </summary>
    public static ImmutableArray<string> EvaluationPath(this Notebook notebook, string cellId)
    {
        if (notebook.SectionOf(cellId) is not { } own || own.Cells.First(cell => cell.Id == cellId) is not EvaluableCell)
            return [];

        var path = ImmutableArray.CreateBuilder<string>();
        foreach (var section in notebook.FlowOf(own))
        {
            foreach (var cell in section.Cells)
            {
                if (cell.Id == cellId)
                    return path.ToImmutable();
                if (cell is EvaluableCell)
                    path.Add(cell.Id);
            }
        }

        return path.ToImmutable();
    }

    /// <summary>Id of the cell on whose state this one builds; null for the setup cell, markdown and unknown ids.</summary>
    public static string? EvaluationParent(this Notebook notebook, string cellId)
    {
        var path = notebook.EvaluationPath(cellId);
        return path.IsEmpty ? null : path[^1];
    }

    /// <summary>The sections whose cells run before and in <paramref name="own"/>, in order, it included; the others are side branches.</summary>
    private static IEnumerable<Section> FlowOf(this Notebook notebook, Section own)
    {
        yield return notebook.Setup;
        if (own.Id == Section.SetupId)
            yield break;

        var last = own.Parent ?? own.Id;
        foreach (var section in notebook.Sections)
        {
            if (section.Parent is null || section.Id == last)
                yield return section;
            if (section.Id == last)
                break;
        }

        if (own.Parent is not null)
            yield return own;
    }
}
