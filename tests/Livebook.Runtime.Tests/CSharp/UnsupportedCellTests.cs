using Livebook.Protocol;
using Livebook.Runtime.CSharp;

namespace Livebook.Runtime.Tests.CSharp;

public sealed class UnsupportedCellTests
{
    [Theory]
    [InlineData("#!share --from fsharp list\nlist", "#!share")]
    [InlineData("var x = 1;\n#!value --name json\n{ \"a\": 1 }", "#!value")]
    [InlineData("#!connect mssql --kernel-name sql", "#!connect")]
    [InlineData("#!set --value @fsharp:x --name x\nx", "#!set")]
    [InlineData("#!time\n#!import \"other.ipynb\"\n1 + 1", "#!import")]
    [InlineData("#!lsmagic", "#!lsmagic")]
    [InlineData("#!html\n<b>bold</b>", "#!html")]
    [InlineData("#load \"something.csx\"", "#load")]
    public async Task A_command_that_means_nothing_here_makes_the_cell_unsupported(string source, string command)
    {
        var result = await new EvaluatedNotebook().RunAsync("a", source);
        Assert.Equal(EvaluationStatus.Unsupported, result.Status);
        Assert.StartsWith($"{command} cannot be carried out here", result.Text(OutputKind.Warning), StringComparison.Ordinal);
        Assert.Null(result.Error);
    }

    [Theory]
    [InlineData("#!csharp\n1 + 1")]
    [InlineData("#!time\n1 + 1")]
    [InlineData("#!/usr/bin/env dotnet\n1 + 1")]
    [InlineData("// #!share --from fsharp x\n1 + 1")]
    [InlineData("var text = \"\"\"\n#!share --from fsharp x\n#load \"a.csx\"\n\"\"\";\n1 + 1")]
    public async Task What_says_nothing_new_or_is_no_command_does_not_stop_a_cell(string source) =>
        Assert.Equal("2", await new EvaluatedNotebook().ValueAsync("a", source));

    [Fact]
    public void Offsets_stay_when_a_command_is_blanked()
    {
        const string Source = "#!csharp\nvar x = 1;";
        Assert.Equal("        \nvar x = 1;", ForeignCommands.Read(Source).Source);
    }

    [Theory]
    [InlineData("#!share --from fsharp list\nvar copy = list.ToArray();", "list.Length")]
    [InlineData("#!share someJson --from value\nvar copy = 1; int Twice(int n) => 2 * n; record Point(int X);", "new Point(Twice(copy)).X")]
    [InlineData("using static Microsoft.DotNet.Interactive.Formatting.PocketViewTags;", "display(span(img[src: \"a.png\"], a[href: \"b\"](b(\"text\"))))")]
    [InlineData("using static Microsoft.DotNet.Interactive.Formatting.PocketViewTags;", "PocketView view = span(\"text\");\ndisplay(view);")]
    public async Task A_cell_that_needs_what_an_unsupported_one_would_have_defined_is_unsupported(string above, string source)
    {
        var notebook = new EvaluatedNotebook();
        Assert.Equal(EvaluationStatus.Unsupported, (await notebook.RunAsync("a", above)).Status);
        var result = await notebook.RunAsync("b", source, "a");
        Assert.Equal(EvaluationStatus.Unsupported, result.Status);
        Assert.Contains("which a cell above would have defined", result.Text(OutputKind.Warning), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cell_that_uses_NET_Interactive_itself_is_unsupported()
    {
        var result = await new EvaluatedNotebook().RunAsync("a", "Javascript(@\"alert(1);\");");
        Assert.Equal(EvaluationStatus.Unsupported, result.Status);
        Assert.Contains("only .NET Interactive has (Javascript)", result.Text(OutputKind.Warning), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mistake_below_an_unsupported_cell_is_a_mistake()
    {
        var notebook = new EvaluatedNotebook();
        await notebook.RunAsync("a", "#!share --from fsharp list\nvar copy = list;");
        Assert.Equal(EvaluationStatus.Failed, (await notebook.RunAsync("b", "Consle.WriteLine(copy);", "a")).Status);
        Assert.Equal(EvaluationStatus.Failed, (await notebook.RunAsync("c", "int n = copy; string s = 1;", "a")).Status);
    }

    [Fact]
    public async Task A_cell_that_became_supported_defines_its_names_again()
    {
        var notebook = new EvaluatedNotebook();
        await notebook.RunAsync("a", "#!share --from fsharp x\nvar y = x;");
        await notebook.RunAsync("a", "var x = 20; var y = x + 1;");
        Assert.Equal("42", await notebook.ValueAsync("b", "y * 2", "a"));
    }

    [Fact]
    public async Task A_cell_that_became_unsupported_takes_back_what_it_defined()
    {
        var notebook = new EvaluatedNotebook();
        await notebook.RunAsync("a", "var x = 1;");
        await notebook.RunAsync("a", "fsharp", "let x = 2", []);
        Assert.Equal(EvaluationStatus.Failed, (await notebook.RunAsync("b", "x", "a")).Status);
    }

    [Fact]
    public async Task A_package_that_cannot_be_had_is_an_error_of_its_cell()
    {
        using var empty = new TemporaryFeed();
        var result = await new EvaluatedNotebook().RunAsync(
            "a",
            $"// one package\n#i \"nuget: {empty.Path}\"\n#r \"nuget: Livebook.There.Is.No.Such.Package, 1.2.3\"\n1"
        );
        Assert.Equal(EvaluationStatus.Failed, result.Status);
        Assert.Equal("PackageError", result.Error!.Type);
        Assert.Contains("Livebook.There.Is.No.Such.Package", result.Error.Message, StringComparison.Ordinal);
        Assert.Equal(3, result.Error.Line);
        Assert.Empty(result.Error.Trace);
    }

    /// <summary>A folder that is a source of packages and has none.</summary>
    private sealed class TemporaryFeed : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("livebook-feed-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
