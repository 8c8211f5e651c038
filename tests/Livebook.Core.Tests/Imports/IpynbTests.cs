using System.Text;
using System.Text.Json;
using Livebook.Core.Imports;
using Livebook.Core.LiveMarkdown;
using Livebook.Core.Notebooks;
using Livebook.Core.Tests.LiveMarkdown;
using Livebook.Protocol;

namespace Livebook.Core.Tests.Imports;

public class IpynbTests
{
    [Fact]
    public void Every_line_of_every_real_notebook_is_taken_over()
    {
        var paths = SampleFiles.All(".ipynb").ToList();
        Assert.NotEmpty(paths);
        foreach (var path in paths)
        {
            var notebook = NotebookReading.Read(Path.GetFileName(path), File.ReadAllBytes(path), "seed").Notebook;
            var all = string.Join(
                '\n',
                notebook.Sections.SelectMany(section => section.Cells.Select(cell => cell.Source).Prepend(section.Name)).Prepend(notebook.Name)
            );
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            foreach (var cell in document.RootElement.GetProperty("cells").EnumerateArray())
            {
                foreach (var line in cell.GetProperty("source").Joined()!.Split('\n'))
                {
                    var text = line.TrimStart('#', ' ').Trim();
                    if (!(line.StartsWith("#!", StringComparison.Ordinal) && !line.Trim().Contains(' ', StringComparison.Ordinal)))
                        Assert.Contains(text, all, StringComparison.Ordinal);
                }
            }

            Assert.Equal(notebook.Describe(), (notebook with { PersistOutputs = false }).Describe());
        }
    }

    [Fact]
    public void An_imported_notebook_can_be_saved_as_live_markdown()
    {
        foreach (var path in SampleFiles.All(".ipynb"))
        {
            var notebook = NotebookReading.Read(Path.GetFileName(path), File.ReadAllBytes(path), "seed").Notebook;
            Assert.Equal(WithoutOutputs(notebook).Describe(), notebook.Reread().Describe());
        }
    }

    [Fact]
    public void What_is_exported_is_imported_again_with_sources_languages_and_outputs()
    {
        foreach (var path in SampleFiles.All(".ipynb"))
        {
            var notebook = NotebookReading.Read(Path.GetFileName(path), File.ReadAllBytes(path), "seed").Notebook;
            var again = NotebookReading.Read("x.ipynb", IpynbWriter.WriteBytes(notebook), "other");
            Assert.Equal(notebook.Describe(), again.Notebook.Describe());
            var (before, after) = (Outputs(notebook), Outputs(again.Notebook));
            Assert.Equal(before.Select(output => output.Kind), after.Select(output => output.Kind));
            Assert.Equal(before.Select(output => JsonSerializer.Serialize(output.Data)), after.Select(output => JsonSerializer.Serialize(output.Data)));
            Assert.Empty(again.Warnings);
        }
    }

    [Fact]
    public void Magic_commands_split_cells_and_others_are_reported()
    {
        var read = Sample("languages.ipynb");
        var cells = read.Notebook.Cells.OfType<CodeCell>().Select(cell => cell.Language).Skip(1);
        Assert.Equal(["csharp", "fsharp", "html", "javascript", "powershell", "mermaid", "sql", "value", "csharp"], cells);
        Assert.Equal("Languages", read.Notebook.Name);
        Assert.Equal(["Section", "A second title", "A section"], read.Notebook.Sections.Select(section => section.Name));
        Assert.Contains(read.Warnings, warning => warning.Contains("#!share --from csharp x", StringComparison.Ordinal));
        Assert.Contains(read.Warnings, warning => warning.Contains("#!time", StringComparison.Ordinal));
        Assert.Contains(read.Warnings, warning => warning.Contains("raw cell", StringComparison.Ordinal));
        Assert.Contains(read.Notebook.Cells, cell => cell is MarkdownCell { Source: "**bold** text" });
    }

    [Fact]
    public void Outputs_of_all_kinds_are_taken_over_and_the_rest_reported()
    {
        var read = Sample("python.ipynb");
        Assert.Equal("python", read.Notebook.DefaultLanguage);
        var outputs = Outputs(read.Notebook);
        Assert.Equal([OutputKind.Stdout, OutputKind.Error, OutputKind.Display, OutputKind.Result], outputs.Select(output => output.Kind));
        Assert.Equal("ZeroDivisionError: division by zero", outputs[1].Data["text/plain"]);
        Assert.Equal("ZeroDivisionError", outputs[1].Error!.Type);
        Assert.Equal("iVBORw0KGgo=", outputs[2].Data["image/png"]);
        Assert.Contains(read.Warnings, warning => warning.Contains("attached files", StringComparison.Ordinal));
        Assert.Contains(read.Warnings, warning => warning.Contains("tags", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a.ipynb", "{\n \"cells\": [", "line 2")]
    [InlineData("a.ipynb", "[]", "nbformat")]
    [InlineData("a.ipynb", "{\"nbformat\":3}", "old format 3")]
    [InlineData("a.ipynb", "{\"nbformat\":5}", "newer")]
    [InlineData("a.ipynb", "{\"nbformat\":4}", "no list of cells")]
    [InlineData("a.dib", "#!csharp", ".dib")]
    [InlineData("a", "{", "no valid JSON")]
    public void What_is_no_notebook_is_refused_with_a_reason(string name, string content, string reason)
    {
        var error = Assert.Throws<NotebookFormatException>(() => NotebookReading.Read(name, Encoding.UTF8.GetBytes(content), "seed"));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.livemd", "livemd")]
    [InlineData("a.md", "livemd")]
    [InlineData("a.txt", "livemd")]
    [InlineData("a", "livemd")]
    public void Other_files_are_live_markdown(string name, string format) =>
        Assert.Equal(format, NotebookReading.Read(name, "# Title"u8.ToArray(), "seed").Format);

    [Fact]
    public void Odd_json_is_read_as_far_as_it_goes()
    {
        var json = """{"nbformat":4,"metadata":[],"cells":[1,{"cell_type":"code","source":"a\ud800b","outputs":[{}]},{"cell_type":"x","source":5}]}""";
        var read = NotebookReading.Read("a", Encoding.UTF8.GetBytes(json), "seed");
        Assert.Equal("a\uFFFDb", read.Notebook.Sections[0].Cells[0].Source);
        Assert.Equal(3, read.Warnings.Length);
    }

    private static ReadNotebook Sample(string name)
    {
        var path = SampleFiles.All(".ipynb").First(path => Path.GetFileName(path) == name);
        return NotebookReading.Read(name, File.ReadAllBytes(path), "seed");
    }

    private static List<Output> Outputs(Notebook notebook) => [.. notebook.Cells.OfType<EvaluableCell>().SelectMany(cell => cell.StoredOutputs)];

    private static Notebook WithoutOutputs(Notebook notebook) =>
        notebook with
        {
            Sections =
            [
                .. notebook.Sections.Select(section =>
                    section with
                    {
                        Cells = [.. section.Cells.Select(cell => cell is EvaluableCell code ? code with { StoredOutputs = [] } : cell)],
                    }
                ),
            ],
        };
}
