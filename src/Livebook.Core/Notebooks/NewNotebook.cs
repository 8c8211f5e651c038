namespace Livebook.Core.Notebooks;

/// <summary>A notebook that somebody begins.</summary>
public static class NewNotebook
{
    /// <summary>Id of its one section.</summary>
    private const string SectionId = "section-1";

    /// <summary>Id of its one cell.</summary>
    private const string CellId = "cell-0001";

    /// <summary>One section with one empty code cell (M2).</summary>
    /// <param name="name">Null = the default name.</param>
    public static Notebook Make(string? name = null) =>
        new()
        {
            Name = name is null ? Notebook.DefaultName : Names.OfNotebook(name),
            Sections = [new Section { Id = SectionId, Cells = [new CodeCell { Id = CellId }] }],
        };
}
