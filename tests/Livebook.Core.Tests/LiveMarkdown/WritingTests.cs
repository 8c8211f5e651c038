using System.Text;
using Livebook.Core.LiveMarkdown;
using Livebook.Core.Notebooks;
using Livebook.Protocol;

namespace Livebook.Core.Tests.LiveMarkdown;

public class WritingTests
{
    private const string Stamped = "# A\n\n## B\n\ntext\n\n<!-- livebook:{\"offset\":16,\"stamp\":{\"token\":\"x\"}} -->\n";

    [Fact]
    public void A_stamp_goes_when_the_content_changes_and_comes_back_with_it()
    {
        var notebook = LiveMarkdownReader.Read(Stamped, "seed").Notebook;
        var cell = notebook.Sections[0].Cells[0];
        Assert.Equal(Stamped, Write(notebook));
        var edited = notebook.ReplaceCell(cell with { Source = "other" }).Value!;
        Assert.Equal("# A\n\n## B\n\nother\n", Write(edited));
        Assert.Equal(Stamped, Write(edited.ReplaceCell(edited.Find(cell.Id)! with { Source = "text" }).Value!));
    }

    [Fact]
    public void New_blocks_take_the_line_ends_of_the_file()
    {
        var notebook = LiveMarkdownReader.Read("# A\r\n\r\n## B\r\n\r\ntext\r\n", "seed").Notebook;
        var cell = new CodeCell { Id = "new", Source = "1\n2" };
        var edited = notebook.InsertCell(notebook.Sections[0].Id, 1, cell).Value!;
        Assert.Equal("# A\r\n\r\n## B\r\n\r\ntext\r\n\r\n```csharp\r\n1\r\n2\r\n```\r\n", Write(edited));
    }

    [Fact]
    public void Bytes_that_are_no_text_stay_in_the_file()
    {
        byte[] bytes = [.. "# A\n\n## B\n\nbad "u8, 0xFF, 0xE9, .. "\n\n```csharp\n1\n```\n"u8];
        var read = LiveMarkdownReader.Read(bytes, "seed");
        Assert.Single(read.Warnings);
        Assert.Equal("bad \uFFFD\uFFFD", read.Notebook.Sections[0].Cells[0].Source);
        Assert.Equal(bytes, LiveMarkdownWriter.WriteBytes(read.Notebook));
        var edited = read.Notebook.ReplaceCell(read.Notebook.Sections[0].Cells[1] with { Source = "é" }).Value!;
        byte[] expected = [.. bytes[..^6], .. "é\n```\n"u8];
        Assert.Equal(expected, LiveMarkdownWriter.WriteBytes(edited));
    }

    [Fact]
    public void Headings_in_a_text_are_shown_smaller_and_read_back_as_they_were()
    {
        var notebook = LiveMarkdownReader.Read("# A\n\n## B\n\ntext\n", "seed").Notebook;
        var edited = notebook.ReplaceCell(notebook.Sections[0].Cells[0] with { Source = "# Big\n\nand ## more\n---" }).Value!;
        Assert.Contains("### Big", Write(edited), StringComparison.Ordinal);
        Assert.Equal(edited.Describe(), edited.Reread().Describe());
        var changedOutside = LiveMarkdownReader.Read(Write(edited).Replace("### Big", "### Bigger", StringComparison.Ordinal), "seed");
        Assert.StartsWith("### Bigger", changedOutside.Notebook.Sections[0].Cells[0].Source, StringComparison.Ordinal);
        Assert.Single(changedOutside.Warnings);
    }

    [Fact]
    public void Outputs_are_written_when_asked_for_and_unchanged_ones_verbatim()
    {
        const string Text = "# A\n\n## B\n\n```csharp\n1\n```\n\n<!-- livebook:{\"output\":true} -->\n\n```  \nold\n```\n";
        var notebook = LiveMarkdownReader.Read(Text, "seed").Notebook;
        var cell = (CodeCell)notebook.Sections[0].Cells[0];
        Assert.Equal(Text, Write(notebook));
        Assert.Equal(Text, Encoding.UTF8.GetString(LiveMarkdownWriter.WriteBytes(notebook, true)));
        Assert.Equal("# A\n\n## B\n\n```csharp\n1\n```\n", Encoding.UTF8.GetString(LiveMarkdownWriter.WriteBytes(notebook, false)));
        Assert.Equal(Text.Replace("\n1\n", "\n2\n", StringComparison.Ordinal), Write(notebook.ReplaceCell(cell with { Source = "2" }).Value!));

        var html = Output.Text(OutputKind.Display, "x") with { Data = Output.Text(OutputKind.Display, "x").Data.Add("text/html", "<b>") };
        var error = Output.Text(OutputKind.Error, "Boom");
        var ran = notebook.ReplaceCell(cell with { StoredOutputs = [Describing.Printed("\u001b[31mred\u001b[0m\n"), html, error] }).Value!;
        Assert.DoesNotContain("output", Write(ran), StringComparison.Ordinal);
        Assert.EndsWith(
            "```\n\n<!-- livebook:{\"output\":true} -->\n\n```\nred\n```\n\n<!-- livebook:{\"output\":true} -->\n\n```\nBoom\n```\n",
            Encoding.UTF8.GetString(LiveMarkdownWriter.WriteBytes(ran, true)),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Switching_stored_outputs_off_removes_them()
    {
        var text = "<!-- livebook:{\"persist_outputs\":true} -->\n\n# A\n\n## B\n\n```csharp\n1\n```\n\n<!-- livebook:{\"output\":true} -->\n\n```\nold\n```\n";
        var notebook = LiveMarkdownReader.Read(text, "seed").Notebook with { PersistOutputs = false };
        Assert.Equal("# A\n\n## B\n\n```csharp\n1\n```\n", Write(notebook));
    }

    [Fact]
    public void A_new_notebook_is_spelled_like_livebook_does()
    {
        var notebook = new Notebook
        {
            Name = "New",
            Setup = Section.NewSetup() with { Cells = [new CodeCell { Id = "setup", Source = "#r \"nuget: A\"" }] },
            Sections =
            [
                new()
                {
                    Id = "a",
                    Name = "First",
                    Cells = [new MarkdownCell { Id = "1", Source = "one" }, new MarkdownCell { Id = "2", Source = "two\n\n```elixir\n```" }],
                },
                new()
                {
                    Id = "b",
                    Name = "Second",
                    Parent = "a",
                    Cells = [new CodeCell { Id = "3", Source = "```\n" }],
                },
            ],
        };
        Assert.Equal(
            """
            # New

            ```csharp
            #r "nuget: A"
            ```

            ## First

            one

            <!-- livebook:{"break_markdown":true} -->

            two

            <!-- livebook:{"force_markdown":true} -->

            ```elixir
            ```

            <!-- livebook:{"branch_parent_index":0} -->

            ## Second

            ````csharp
            ```

            ````

            """,
            Write(notebook)
        );
    }

    private static string Write(Notebook notebook) => Encoding.UTF8.GetString(LiveMarkdownWriter.WriteBytes(notebook));
}
