using Livebook.Core.Notebooks;
using Livebook.Testing;

namespace Livebook.Core.Tests.Notebooks;

public sealed class SectionEditTests
{
    private static readonly Notebook Three = A.Notebook(
        A.Section("main-1", A.Code("cell-a"), A.Code("cell-b")),
        A.Branch("branch", "main-1", A.Code("cell-c")),
        A.Section("main-2", A.Code("cell-d"))
    );

    private static string Layout(Edit edit) =>
        string.Join(" | ", edit.Value!.Sections.Select(section => $"{section.Id}: {string.Join(' ', section.Cells.Select(cell => cell.Id))}"));

    [Fact]
    public void A_section_takes_the_cells_from_its_place_on()
    {
        Assert.Equal("main-1: cell-a | new: cell-b | branch: cell-c | main-2: cell-d", Layout(Three.InsertSection("new", "main-1", 1)));
        Assert.Equal("main-1: cell-a cell-b | new:  | branch: cell-c | main-2: cell-d", Layout(Three.InsertSection("new", "main-1")));
        Assert.Equal("main-1: cell-a cell-b | branch: cell-c | main-2: cell-d | new: ", Layout(Three.InsertSection("new")));
        Assert.Equal("new:  | main-1: cell-a cell-b | branch: cell-c | main-2: cell-d", Layout(Three.InsertSection("new", Section.SetupId, 0)));
        Assert.Contains("already", Three.InsertSection("main-1").Refusal);
        Assert.Contains("no section", Three.InsertSection("new", "other").Refusal);
    }

    [Fact]
    public void A_deleted_sections_cells_go_with_it_or_to_the_one_above()
    {
        Assert.Equal("main-1: cell-a cell-b | branch: cell-c", Layout(Three.DeleteSection("main-2", deleteCells: true)));
        Assert.Equal("main-1: cell-a cell-b | branch: cell-c cell-d", Layout(Three.DeleteSection("main-2", deleteCells: false)));
        Assert.Contains("branch from this one", Three.DeleteSection("main-1", deleteCells: true).Refusal);
        Assert.Contains("cannot be deleted", Three.DeleteSection(Section.SetupId, deleteCells: true).Refusal);
        var first = A.Notebook(A.Section("main-1", A.Code("cell-a")), A.Section("main-2"));
        Assert.Contains("only be deleted with its cells", first.DeleteSection("main-1", deleteCells: false).Refusal);
    }

    [Fact]
    public void A_branching_section_stays_below_its_parent()
    {
        Assert.Equal("main-1: cell-a cell-b | main-2: cell-d | branch: cell-c", Layout(Three.MoveSection("branch", 1)));
        Assert.Contains("below the one it branches from", Three.MoveSection("branch", -1).Refusal);
        Assert.Contains("above those that branch from it", Three.MoveSection("main-1", 2).Refusal);
        Assert.Contains("last already", Three.MoveSection("main-2", 1).Refusal);
        Assert.Contains("first already", Three.MoveSection("main-1", -1).Refusal);
        Assert.Contains("always first", Three.MoveSection(Section.SetupId, 1).Refusal);
    }

    [Fact]
    public void A_section_branches_from_an_earlier_regular_one()
    {
        Assert.Equal("main-1", Three.SetParent("main-2", "main-1").Value!.FindSection("main-2")!.Parent);
        Assert.Null(Three.SetParent("branch", null).Value!.FindSection("branch")!.Parent);
        Assert.Contains("earlier one", Three.SetParent("main-1", "main-2").Refusal);
        Assert.Contains("earlier one", Three.SetParent("main-2", "main-2").Refusal);
        Assert.Contains("branching itself", Three.SetParent("main-2", "branch").Refusal);
        Assert.Contains("cannot branch itself", Three.InsertSection("new", Section.SetupId).Value!.SetParent("main-1", "new").Refusal);
        Assert.Contains("no part", Three.SetParent("main-2", Section.SetupId).Refusal);
        Assert.Equal("main-1", Three.RegularSectionAbove("main-2")!.Id);
        Assert.Null(Three.RegularSectionAbove("main-1"));
    }

    [Fact]
    public void The_path_of_a_cell_leaves_side_branches_out()
    {
        Assert.Equal([Cell.SetupId, "cell-a", "cell-b"], Three.EvaluationPath("cell-c"));
        Assert.Equal([Cell.SetupId, "cell-a", "cell-b"], Three.EvaluationPath("cell-d"));
        Assert.Empty(Three.EvaluationPath("unknown"));
    }
}
