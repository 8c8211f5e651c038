using System.Collections.Immutable;
using System.Text;
using CsCheck;
using Livebook.Core.LiveMarkdown;
using Livebook.Core.Notebooks;

namespace Livebook.Core.Tests.LiveMarkdown;

public class RoundTripPropertyTests
{
    private static readonly string[] s_lines =
    [
        "",
        "",
        "",
        "text",
        "  ",
        "# One",
        "## Two",
        "### Three",
        "Title",
        "===",
        "---",
        "```elixir",
        "```csharp",
        "```",
        "````",
        "~~~",
        "~~~python",
        "```mermaid",
        "```csharp {a}",
        "- item",
        "1. one",
        "  ```elixir",
        "   ```",
        "    ```csharp",
        "\t```",
        "> quote",
        "> ```elixir",
        "<!--",
        "-->",
        "<!-- c -->",
        "<div>",
        "</div>",
        "<details>",
        "<script>",
        "</script>",
        "<b>x</b>",
        "<?php",
        "![CDATA[",
        "<![CDATA[",
        "<!X",
        "<!-- livebook:{\"output\":true} -->",
        "<!-- livebook:{\"break_markdown\":true} -->",
        "<!-- livebook:{\"force_markdown\":true} -->",
        "<!-- livebook:{\"foo\":1} -->",
        "<!-- livebook:{bad -->",
        "<!-- livebook:{\"livebook_object\":\"cell_input\"} -->",
        "<!-- livebook:{\"attrs\":\"e30\",\"chunks\":null,\"kind\":\"K\",\"livebook_object\":\"smart_cell\"} -->",
        "<!-- livebook:{\"branch_parent_index\":0} -->",
        "<!-- livebook:{\"persist_outputs\":true} -->",
        "<!-- livebook:{\"setup\":true} -->",
        "<!-- livebook:{\"offset\":3,\"stamp\":{}} -->",
        "<!-- livebook:{\"markdown_source\":\"IyBhYmM\"} -->",
        "<!-- livebook:{\"markdown_source\":\"IA\"} -->",
        "<!-- livebook:{\"cell_language\":\"html\"} -->",
        "```pyproject.toml",
        "### abc",
        "| a | b |",
        "|---|---|",
        "a\0b",
        "trailing  ",
        "#",
        "##",
        "****",
        "\u00a0",
        "\ud83d\ude00",
        "---->",
        "\\",
        "[a]: b",
    ];

    private static readonly Gen<string> s_source = OneOf(s_lines).Array[0, 7].Select(lines => string.Join('\n', lines));

    private static readonly Gen<string> s_name = OneOf("Section", "a", "a #", "#", "# a", "x ##", "`c`", "a\\", "<!-- x -->", "é", "- a")
        .Select(Names.OfSection);

    private static readonly Gen<Cell> s_cell = Gen.Select(
            Gen.Int[0, 5],
            s_source,
            OneOf("csharp", "elixir", "mermaid", "pyproject.toml", "c sharp", "sql"),
            Gen.Bool,
            Gen.Bool
        )
        .Select(
            Cell (kind, source, language, first, second) =>
                kind switch
                {
                    < 3 => new MarkdownCell { Id = "", Source = source },
                    3 => new SmartCell
                    {
                        Id = "",
                        Source = source,
                        Language = language,
                        SmartKind = "K-->",
                        Attributes = """{"a":"-->"}""",
                        Chunks = first ? "[[0,1]]" : null,
                    },
                    _ => new CodeCell
                    {
                        Id = "",
                        Source = source,
                        Language = language,
                        ReevaluateAutomatically = first,
                        ContinueOnError = second,
                        OutputSize = first ? OutputSize.Wide : OutputSize.Default,
                        StoredOutputs = second ? [Describing.Printed("out ```` \n")] : [],
                    },
                }
        );

    private static readonly Gen<Section> s_section = Gen.Select(s_name, s_cell.Array[0, 5])
        .Select(
            (name, cells) =>
                new Section
                {
                    Id = "",
                    Name = name,
                    Cells = [.. cells],
                }
        );

    private static readonly Gen<Notebook> s_notebook = Gen.Select(s_name, s_source, OneOf("csharp", "elixir", "python"), Gen.Int[0, 3], s_section.Array[0, 4])
        .Select(
            (name, setup, language, extraSetup, sections) =>
            {
                var cells = ImmutableArray.Create<Cell>(
                    new CodeCell
                    {
                        Id = "setup",
                        Source = extraSetup == 0 ? "" : setup,
                        Language = language,
                    }
                );
                if (extraSetup >= 2)
                    cells = cells.Add(new CodeCell { Id = "setup-x", Language = extraSetup == 2 ? "pyproject.toml" : "html" });
                var id = 0;
                return new Notebook
                {
                    Name = name,
                    PersistOutputs = true,
                    AutosaveSeconds = extraSetup == 1 ? null : 5,
                    DefaultLanguage = language,
                    Setup = Section.NewSetup() with { Cells = cells },
                    Sections =
                    [
                        .. sections.Select(
                            (section, i) =>
                                section with
                                {
                                    Id = $"s{i}",
                                    Parent = i == 2 ? "s0" : null,
                                    Cells = [.. section.Cells.Select(cell => cell with { Id = $"c{id++}" })],
                                }
                        ),
                    ],
                };
            }
        );

    [Fact]
    public void What_is_written_is_read_back() => s_notebook.Sample(notebook => Assert.Equal(notebook.Describe(), notebook.Reread().Describe()), iter: 20_000);

    private static readonly Gen<byte[]> s_file = Gen.Select(
            Gen.Select(OneOf(s_lines), OneOf("\n", "\n", "\n\n", "\n\n", "\r\n", "\r", "")).Array[0, 25],
            Gen.Byte.Array[0, 4],
            Gen.Int[0, 9]
        )
        .Select(
            (lines, noise, kind) =>
            {
                var bytes = Encoding
                    .UTF8.GetBytes(string.Concat(lines.Select(line => line.Item1 + (kind == 1 && line.Item2 == "\n" ? "\r\n" : line.Item2))))
                    .ToList();
                if (kind == 0)
                    bytes.InsertRange(0, Encoding.UTF8.Preamble.ToArray());
                if (kind < 4)
                    bytes.InsertRange(bytes.Count / 2, noise);
                return bytes.ToArray();
            }
        );

    [Fact]
    public void What_is_read_is_written_back_byte_for_byte() =>
        s_file.Sample(bytes => Assert.Equal(bytes, LiveMarkdownWriter.WriteBytes(LiveMarkdownReader.Read(bytes, "seed").Notebook)), iter: 30_000);

    [Fact]
    public void A_file_with_a_changed_cell_still_means_what_the_notebook_says() =>
        Gen.Select(s_file, s_source, Gen.Int[0, 20], Gen.Int[0, 3])
            .Sample(
                (bytes, source, which, kind) =>
                {
                    var notebook = LiveMarkdownReader.Read(bytes, "seed").Notebook;
                    var cells = notebook.Sections.SelectMany(section => section.Cells).ToList();
                    if (cells.Count == 0)
                        return;
                    var cell = cells[which % cells.Count];
                    var edited = kind switch
                    {
                        0 => notebook.ReplaceCell(cell with { Source = source }).Value!,
                        1 => notebook.RemoveCell(cell.Id).Value!,
                        2 => notebook.InsertCell(notebook.SectionOf(cell.Id)!.Id, which % 3, new MarkdownCell { Id = "new", Source = source }).Value!,
                        _ => notebook.MoveCell(cell.Id, 1).Value ?? notebook,
                    };
                    var file = Encoding.UTF8.GetString(bytes);
                    if (edited.Describe() != notebook.Describe())
                        Assert.Equal(file + edited.Describe(), file + edited.Reread().Describe());
                },
                iter: 20_000
            );

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);
}
