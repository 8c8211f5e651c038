using System.Text;
using Livebook.Core.LiveMarkdown;
using Livebook.Core.Notebooks;
using Livebook.Protocol;

namespace Livebook.Core.Tests.LiveMarkdown;

public class ReadingTests
{
    [Fact]
    public void A_whole_notebook_is_understood()
    {
        var file = Read(
            """
            <!-- a comment -->

            <!-- livebook:{"autosave_interval_s":null,"hub_id":"x","persist_outputs":true} -->

            # Name

            ```csharp
            #r "nuget: A"
            ```

            ## One

            Text

            <!-- livebook:{"continue_on_error":true,"output_size":"wide","reevaluate_automatically":true} -->

            ```csharp
            1
            ```

            <!-- livebook:{"output":true} -->

            ```
            out
            ```

            <!-- livebook:{"branch_parent_index":0} -->

            ## Two

            <!-- livebook:{"attrs":"eyJhIjoxfQ","chunks":[[0,1]],"kind":"K","livebook_object":"smart_cell"} -->

            ```sql
            select
            ```

            """
        );
        Assert.Empty(file.Warnings);
        var notebook = file.Notebook;
        Assert.Equal(("Name", true, (int?)null), (notebook.Name, notebook.PersistOutputs, notebook.AutosaveSeconds));
        Assert.Equal(["a comment"], notebook.LeadingComments);
        Assert.Equal("\"x\"", notebook.ExtraMetadata["hub_id"]);
        Assert.Equal(("setup", "#r \"nuget: A\""), (notebook.Setup.Cells[0].Id, notebook.Setup.Cells[0].Source));
        Assert.Equal(notebook.Sections[0].Id, notebook.Sections[1].Parent);
        var code = Assert.IsType<CodeCell>(notebook.Sections[0].Cells[1]);
        Assert.True(code is { ContinueOnError: true, ReevaluateAutomatically: true, OutputSize: OutputSize.Wide, Source: "1" });
        Assert.Equal("out", code.StoredOutputs.Single().Data["text/plain"]);
        var smart = Assert.IsType<SmartCell>(notebook.Sections[1].Cells[0]);
        Assert.Equal(("K", """{"a":1}""", "[[0,1]]", "sql"), (smart.SmartKind, smart.Attributes, smart.Chunks, smart.Language));
    }

    [Fact]
    public void Ids_follow_from_the_seed_and_the_place()
    {
        const string Text = "# A\n\n## B\n\ntext\n\n```csharp\n1\n```\n";
        var (first, second, other) = (Read(Text).Notebook, Read(Text).Notebook, LiveMarkdownReader.Read(Text, "other").Notebook);
        Assert.Equal(first.Cells.Select(cell => cell.Id), second.Cells.Select(cell => cell.Id));
        Assert.Equal(first.Sections[0].Id, second.Sections[0].Id);
        Assert.NotEqual(first.Sections[0].Cells[0].Id, other.Sections[0].Cells[0].Id);
        Assert.Matches("^[a-z2-7]{16}$", first.Sections[0].Cells[0].Id);
    }

    [Theory]
    [InlineData("# A\n\n# B\n", "several titles")]
    [InlineData("text\n\n# A\n", "Line 3: The title is not the first")]
    [InlineData("<!-- livebook:{\"a\":1} -->\n\n<!-- c -->\n\n# A\n", "Line 3: A comment stands behind")]
    [InlineData("# A\n\n<!-- livebook:{\"branch_parent_index\":0} -->\n\n## B\n", "Line 5: The section can only branch")]
    [InlineData("# A\n\n<!-- livebook:{\"livebook_object\":\"cell_input\"} -->\n\n## B\n", "Line 3: Input cells")]
    [InlineData("# A\n\n![x](images/x.png)\n", "Line 3: Images")]
    [InlineData("# A\n\n<!-- livebook:{ -->\n", "Line 3: The metadata comment")]
    [InlineData("# A\n\n## B\n\n```csharp\n1", "Line 5: The code is never closed")]
    public void A_person_is_told(string text, string warning) => Assert.Contains(Read(text).Warnings, each => each.Contains(warning, StringComparison.Ordinal));

    [Fact]
    public void Several_titles_become_sections_and_everything_moves_down()
    {
        var notebook = Read("# A\n\n## B\n\n# C\n").Notebook;
        Assert.Equal(Notebook.DefaultName, notebook.Name);
        Assert.Equal(["A", "C"], notebook.Sections.Select(section => section.Name));
        Assert.Equal("### B", Assert.Single(notebook.Sections[0].Cells).Source);
    }

    [Theory]
    [InlineData("- item\n\n  ```elixir\n  1\n  ```")]
    [InlineData("> ```elixir\n> 1\n> ```")]
    [InlineData("    ```elixir\n    1")]
    [InlineData("<div>\n```elixir\n1\n```\n</div>")]
    [InlineData("````\n```elixir\n1\n```\n````")]
    [InlineData("```mermaid\ngraph LR;\n```")]
    [InlineData("<!--\n## not a section\n-->")]
    [InlineData("> quote\n===")]
    public void What_is_inside_other_blocks_is_prose(string text)
    {
        var notebook = Read("# A\n\n## B\n\n" + text + "\n").Notebook;
        Assert.Equal(text, Assert.IsType<MarkdownCell>(Assert.Single(Assert.Single(notebook.Sections).Cells)).Source);
    }

    [Fact]
    public void Setext_headings_tilde_fences_and_indented_fences_count()
    {
        var notebook = Read("Title\n===\n\nSection\n---\n\n~~~python\n1\n~~~\n\n  ```csharp\n    2\n  ```\n").Notebook;
        Assert.Equal(("Title", "Section"), (notebook.Name, notebook.Sections[0].Name));
        Assert.Equal(["1", "  2"], notebook.Sections[0].Cells.Select(cell => cell.Source));
    }

    [Fact]
    public void Only_setup_fences_in_front_of_the_first_section_are_setup()
    {
        Assert.Equal("1", Read("# A\n\n```elixir\n1\n```\n\n## B\n").Notebook.Setup.Cells[0].Source);
        var plain = Read("# A\n\n```elixir\n1\n```\n\ntext\n\n## B\n").Notebook;
        Assert.Equal("", plain.Setup.Cells[0].Source);
        Assert.Equal([Section.DefaultName, "B"], plain.Sections.Select(section => section.Name));
        Assert.Equal(
            ["setup", "setup-pyproject.toml"],
            Read("# A\n\n```elixir\n1\n```\n\n```pyproject.toml\n2\n```\n").Notebook.Setup.Cells.Select(cell => cell.Id)
        );
    }

    [Fact]
    public void The_default_language_follows_from_the_cells()
    {
        Assert.Equal("python", Read("# A\n\n## B\n\n```python\n1\n```\n").Notebook.DefaultLanguage);
        Assert.Equal("csharp", Read("# A\n\n## B\n\n```python\n1\n```\n\n```elixir\n1\n```\n").Notebook.DefaultLanguage);
    }

    private static LiveMarkdownFile Read(string text) => LiveMarkdownReader.Read(text, "seed");
}
