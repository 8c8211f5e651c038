using Livebook.Core.Notebooks;
using Livebook.Testing;

namespace Livebook.Core.Tests.Notebooks;

public sealed class CellEditTests
{
    private static readonly Notebook Two = A.Notebook(A.Section("section-1", A.Code("cell-a"), A.Code("cell-b")), A.Section("section-2", A.Markdown("cell-c")));

    private static string Layout(Edit edit) =>
        string.Join(" | ", edit.Value!.AllSections.Select(section => string.Join(' ', section.Cells.Select(cell => cell.Id))));

    [Theory]
    [InlineData(0, "setup | new cell-a cell-b | cell-c")]
    [InlineData(1, "setup | cell-a new cell-b | cell-c")]
    [InlineData(null, "setup | cell-a cell-b new | cell-c")]
    [InlineData(99, "setup | cell-a cell-b new | cell-c")]
    [InlineData(-5, "setup | new cell-a cell-b | cell-c")]
    public void A_cell_is_inserted_at_its_place_or_the_nearest_end(int? index, string layout) =>
        Assert.Equal(layout, Layout(Two.InsertCell("section-1", index, A.Code("new"))));

    [Fact]
    public void A_cell_is_inserted_once_and_only_into_a_section_that_is_there()
    {
        Assert.Contains("already", Two.InsertCell("section-2", null, A.Code("cell-a")).Refusal);
        Assert.Contains("no section", Two.InsertCell("section-9", null, A.Code("new")).Refusal);
    }

    [Fact]
    public void Setup_cells_live_behind_the_main_one_in_their_section_and_nowhere_else()
    {
        Assert.Equal("setup setup-2 | cell-a cell-b | cell-c", Layout(Two.InsertCell(Section.SetupId, 0, A.Code("setup-2"))));
        Assert.Contains("only setup cells", Two.InsertCell(Section.SetupId, null, A.Code("new")).Refusal);
        Assert.Contains("only setup cells", Two.InsertCell(Section.SetupId, null, A.Markdown("setup-2")).Refusal);
        Assert.Contains("belongs to the setup section", Two.InsertCell("section-1", null, A.Code("setup-2")).Refusal);
        Assert.Contains("cannot be deleted", Two.RemoveCell(Cell.SetupId).Refusal);
        Assert.Contains("cannot be moved", Two.MoveCell(Cell.SetupId, 1).Refusal);
        Assert.Contains("cannot be moved", Two.MoveCellTo("cell-a", Section.SetupId, null).Refusal);
    }

    [Theory]
    [InlineData("cell-a", 1, "setup | cell-b cell-a | cell-c")]
    [InlineData("cell-b", 1, "setup | cell-a | cell-b cell-c")]
    [InlineData("cell-c", -1, "setup | cell-a cell-b cell-c | ")]
    [InlineData("cell-a", 99, "setup | cell-b | cell-c cell-a")]
    [InlineData("cell-c", -99, "setup | cell-c cell-a cell-b | ")]
    public void Moving_by_steps_crosses_a_sections_border_in_one_of_them(string cell, int offset, string layout) =>
        Assert.Equal(layout, Layout(Two.MoveCell(cell, offset)));

    [Fact]
    public void A_cell_at_the_end_goes_no_further()
    {
        Assert.Contains("at the top", Two.MoveCell("cell-a", -1).Refusal);
        Assert.Contains("at the end", Two.MoveCell("cell-c", 1).Refusal);
        Assert.Contains("no cell", Two.MoveCell("cell-x", 1).Refusal);
    }

    [Theory]
    [InlineData("section-1", 1, "setup | cell-b cell-a | cell-c")]
    [InlineData("section-2", 0, "setup | cell-b | cell-a cell-c")]
    [InlineData("section-2", null, "setup | cell-b | cell-c cell-a")]
    public void A_cell_is_moved_to_a_place_counted_without_it(string section, int? index, string layout) =>
        Assert.Equal(layout, Layout(Two.MoveCellTo("cell-a", section, index)));

    [Fact]
    public void A_replaced_cell_stays_where_it_is()
    {
        var edit = Two.ReplaceCell(A.Code("cell-a", "changed"));
        Assert.Equal("setup | cell-a cell-b | cell-c", Layout(edit));
        Assert.Equal("changed", edit.Value!.Find("cell-a")!.Source);
        Assert.Contains("no cell", Two.ReplaceCell(A.Code("cell-x")).Refusal);
        Assert.Contains("code cell", Two.ReplaceCell(A.Markdown(Cell.SetupId)).Refusal);
    }

    [Fact]
    public void Names_are_one_trimmed_line()
    {
        Assert.Equal("a b", Two.Rename("  a \n\t b ").Value!.Name);
        Assert.Equal(Names.Untitled, Two.Rename(" \u0001 ").Value!.Name);
        Assert.Equal(Section.DefaultName, Two.RenameSection("section-1", "").Value!.FindSection("section-1")!.Name);
    }

    [Fact]
    public void A_new_notebook_has_one_section_with_one_empty_code_cell()
    {
        var notebook = NewNotebook.Make();
        Assert.Equal(Notebook.DefaultName, notebook.Name);
        Assert.Equal("", Assert.IsType<CodeCell>(Assert.Single(Assert.Single(notebook.Sections).Cells)).Source);
        Assert.Equal([Cell.SetupId], notebook.Setup.Cells.Select(cell => cell.Id));
        Assert.Equal("My own", NewNotebook.Make(" My  own ").Name);
    }
}
