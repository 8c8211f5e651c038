using System.Text;
using Livebook.Core.LiveMarkdown;
using Livebook.Core.Notebooks;

namespace Livebook.Core.Tests.LiveMarkdown;

public class RealFileTests
{
    private static readonly string[] s_files = [.. SampleFiles.All(".livemd")];

    [Fact]
    public void Files_come_back_byte_for_byte()
    {
        Assert.NotEmpty(s_files);
        foreach (var path in s_files.Concat(SampleFiles.All(".md")))
        {
            var bytes = File.ReadAllBytes(path);
            var notebook = LiveMarkdownReader.Read(bytes, "seed").Notebook;
            Assert.Equal(bytes, LiveMarkdownWriter.WriteBytes(notebook));
            Assert.Null(notebook.Origin!.File!.Whole);
        }
    }

    [Fact]
    public void Editing_a_cell_changes_only_its_own_bytes()
    {
        foreach (var (text, notebook) in Read())
        {
            foreach (var cell in notebook.Cells.Where(cell => cell.Origin is not null))
            {
                var edited = notebook.ReplaceCell(cell with { Source = "changed = 1" }).Value!;
                var written = Encoding.UTF8.GetString(LiveMarkdownWriter.WriteBytes(edited));
                var (before, after) = Around(text, written);
                var at = text.IndexOf(cell.Origin!.Text, StringComparison.Ordinal);
                Assert.True(before >= at, "changed in front of the cell");
                Assert.True(
                    after >= text.Length - text.LastIndexOf(cell.Origin.Text, StringComparison.Ordinal) - cell.Origin.Text.Length,
                    "changed behind the cell"
                );
                Assert.Equal(edited.Describe(), edited.Reread().Describe());
            }
        }
    }

    [Fact]
    public void Deleting_a_cell_removes_only_its_bytes()
    {
        foreach (var (text, notebook) in Read())
        {
            // Two cells may be the same: each is looked for behind the one before.
            var from = 0;
            foreach (var cell in notebook.Sections.SelectMany(section => section.Cells))
            {
                var edited = notebook.RemoveCell(cell.Id).Value!;
                var written = Encoding.UTF8.GetString(LiveMarkdownWriter.WriteBytes(edited));
                var gone = cell.Origin!.Before + cell.Origin.Text + cell.Origin.Outputs;
                var at = text.IndexOf(gone, from, StringComparison.Ordinal);
                var expected = text.Remove(at, gone.Length);
                from = at + gone.Length;
                Assert.Equal(WithoutSeparators(expected), WithoutSeparators(written));
                Assert.Equal(edited.Describe(), edited.Reread().Describe());
            }
        }
    }

    [Fact]
    public void Inserting_a_cell_adds_only_its_bytes()
    {
        foreach (var (text, notebook) in Read())
        {
            foreach (var section in notebook.Sections)
            {
                for (var i = 0; i <= section.Cells.Length; i++)
                {
                    var cell = new CodeCell
                    {
                        Id = "new",
                        Language = notebook.DefaultLanguage,
                        Source = "inserted",
                    };
                    var edited = notebook.InsertCell(section.Id, i, cell).Value!;
                    var written = Encoding.UTF8.GetString(LiveMarkdownWriter.WriteBytes(edited));
                    var (before, after) = Around(text, written);
                    Assert.True(before + after >= text.Length, "something else changed");
                    Assert.Equal(edited.Describe(), edited.Reread().Describe());
                }
            }
        }
    }

    [Fact]
    public void Moving_cells_and_sections_keeps_every_block()
    {
        foreach (var (_, notebook) in Read())
        {
            foreach (var cell in notebook.Sections.SelectMany(section => section.Cells))
            {
                if (notebook.MoveCell(cell.Id, 1).Value is not { } edited)
                    continue;
                var written = Encoding.UTF8.GetString(LiveMarkdownWriter.WriteBytes(edited));
                Assert.All(
                    notebook.Cells.Where(each => each.Origin is not null),
                    each => Assert.Contains(each.Origin!.Text, written, StringComparison.Ordinal)
                );
                Assert.Equal(edited.Describe(), edited.Reread().Describe());
            }

            foreach (var section in notebook.Sections)
            {
                if (notebook.MoveSection(section.Id, 1).Value is { } edited)
                    Assert.Equal(edited.Describe(), edited.Reread().Describe());
            }
        }
    }

    // Stamps go with the first change; without them all else must stay.
    private static IEnumerable<(string Text, Notebook Notebook)> Read()
    {
        foreach (var path in s_files)
        {
            var text = Encoding.UTF8.GetString(File.ReadAllBytes(path));
            var stamp = text.IndexOf("\n<!-- livebook:{\"offset\"", StringComparison.Ordinal);
            text = stamp < 0 ? text : text[..stamp];
            yield return (text, LiveMarkdownReader.Read(text, "seed").Notebook);
        }
    }

    // Where two markdown cells meet, a mark and a blank line must come between them.
    private static string WithoutSeparators(string text) =>
        text.Replace(FreshText.BreakComment, "", StringComparison.Ordinal)
            .Replace("\r", "", StringComparison.Ordinal)
            .Replace("\n", "", StringComparison.Ordinal);

    private static (int Before, int After) Around(string old, string changed)
    {
        var before = old.AsSpan().CommonPrefixLength(changed);
        var after = 0;
        while (after < Math.Min(old.Length, changed.Length) && old[^(after + 1)] == changed[^(after + 1)])
            after++;
        return (before, after);
    }
}
