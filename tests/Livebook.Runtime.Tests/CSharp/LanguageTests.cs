using Livebook.Protocol;

namespace Livebook.Runtime.Tests.CSharp;

public sealed class LanguageTests
{
    private readonly EvaluatedNotebook notebook = new();

    [Theory]
    [InlineData("1 + 1", "2")]
    [InlineData("\"text\"", "text")]
    [InlineData("1.5", "1.5")]
    [InlineData("true", "True")]
    [InlineData("(string)null", "<null>")]
    [InlineData("new[] { 1, 2, 3 }", "[ 1, 2, 3 ]")]
    [InlineData("new List<string> { \"a\", \"b\" }", "[ a, b ]")]
    [InlineData("new Dictionary<string, int> { [\"a\"] = 1 }", "[ [a, 1] ]")]
    [InlineData("new { A = 1, B = \"x\" }", "{ A = 1, B = x }")]
    [InlineData("(1, \"x\")", "(1, x)")]
    [InlineData("class P { public int X { get; set; } = 3; public string Name = \"n\"; } new P()", "P { X: 3, Name: n }")]
    [InlineData("typeof(Dictionary<string, int[]>)", "System.Collections.Generic.Dictionary<System.String, System.Int32[]>")]
    [InlineData("await Task.FromResult(5)", "5")]
    [InlineData("return 7;", "7")]
    [InlineData("(1, 2) is var (a, b) ? a + b : 0", "3")]
    [InlineData("static int F(this int a) => a + 1; 1.F()", "2")]
    [InlineData("int F(int n) => n < 2 ? n : F(n - 1) + F(n - 2);\nF(10)", "55")]
    [InlineData("class C { public int P => 4; public int this[int i] => i; } new C().P + new C()[1]", "5")]
    [InlineData("System.Linq.Expressions.Expression<Func<int, int>> e = x => x + 1; e.Compile()(1)", "2")]
    [InlineData("var l = new List<int> { 1 }; l.ForEach(x => l.ToString()); l.ToDictionary(x => x, x => new { x }).Count", "1")]
    [InlineData("var i = 0; L: i++; if (i < 3) goto L; i", "3")]
    [InlineData("unsafe { int n = 3; int* p = &n; *p = 4; display(n); } 1", "1")]
    public async Task The_last_expression_is_the_result(string source, string expected) => Assert.Equal(expected, await notebook.ValueAsync("a", source));

    [Theory]
    [InlineData("Math.Max(1, 2);")]
    [InlineData("var x = 1;")]
    [InlineData("Console.Write(1)")]
    [InlineData("await Task.Delay(1)")]
    [InlineData("using System.Text;")]
    [InlineData("// nothing")]
    [InlineData("")]
    public async Task Without_a_last_expression_there_is_no_result(string source) => Assert.Null(await notebook.ValueAsync("a", source));

    [Fact]
    public async Task Endless_collections_are_cut()
    {
        var value = await notebook.ValueAsync("a", "IEnumerable<int> All() { for (var i = 0; ; i++) yield return i; } All()");
        Assert.EndsWith("98, 99 … (more) ]", value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Output_keeps_its_order()
    {
        var result = await notebook.RunAsync("a", "Console.Write(1); Console.Error.Write(2); display(3); Console.WriteLine(4); 5");
        Assert.Equal(["1", "2", "3", "4\n", "5"], result.Outputs.Select(output => output.Data["text/plain"]));
        Assert.Equal(
            [OutputKind.Stdout, OutputKind.Stderr, OutputKind.Display, OutputKind.Stdout, OutputKind.Result],
            result.Outputs.Select(output => output.Kind)
        );
    }

    [Fact]
    public async Task Displayed_markup_is_html_and_a_display_can_be_updated()
    {
        var result = await notebook.RunAsync("a", "var d = display(HTML(\"<b>x</b>\")); d.Update(Markdown(\"*y*\")); \"z\".Display();");
        Assert.Equal("<b>x</b>", result.Outputs[0].Data["text/html"]);
        Assert.Equal("*y*", result.Outputs[1].Data["text/markdown"]);
        Assert.Equal("z", result.Outputs[2].Data["text/plain"]);
    }

    [Fact]
    public async Task Text_is_always_valid_even_when_the_code_writes_half_a_character()
    {
        var result = await notebook.RunAsync("a", "Console.Write(\"\\ud83d\"); Console.Write(\"\\ude00\"); Console.Write('\\ud83d');");
        Assert.Equal("😀\uFFFD", result.Text(OutputKind.Stdout));
    }

    [Fact]
    public async Task A_compile_error_names_code_and_line()
    {
        var result = await notebook.RunAsync("a", "var a = 1;\nvar b = unknown;");
        Assert.Equal(EvaluationStatus.Failed, result.Status);
        Assert.Equal(("CompilationError", 2), (result.Error!.Type, result.Error.Line));
        var diagnostic = Assert.Single(result.Finished.Diagnostics);
        Assert.Equal(("CS0103", 19, 26, 2), (diagnostic.Code, diagnostic.From, diagnostic.To, diagnostic.Line));
    }

    [Fact]
    public async Task Warnings_come_with_the_offsets_of_the_source_as_it_was_sent()
    {
        var source = "foreach (var i in new[] { 1 }) { int unused = 1; }";
        var diagnostic = Assert.Single((await notebook.RunAsync("a", source)).Finished.Diagnostics);
        Assert.Equal(("CS0219", source.IndexOf("unused", StringComparison.Ordinal)), (diagnostic.Code, diagnostic.From));
    }

    [Fact]
    public async Task An_exception_names_the_lines_of_the_cells_it_passed()
    {
        await notebook.RunAsync(
            "lib",
            "\nint Fail(int a)\n{\n    foreach (var i in new[] { 1 })\n        if (a > 0)\n            throw new InvalidOperationException(\"outer\", new ArgumentException(\"inner\"));\n    return 1;\n}"
        );
        var result = await notebook.RunAsync("a", "var x = 1;\nvar f = (int n) =>\n    Fail(n) + 1;\nawait Task.Yield();\nf(1);", "lib");
        Assert.Equal(("System.InvalidOperationException", "outer"), (result.Error!.Type, result.Error.Message));
        Assert.Equal(("lib", 6), (result.Error.Trace[0].Cell, result.Error.Trace[0].Line));
        Assert.Equal("Fail(Int32)", result.Error.Trace[0].Method);
        Assert.Equal(3, result.Error.Line);
        Assert.Equal(("cell", "a", 5), (result.Error.Trace[^1].Method, result.Error.Trace[^1].Cell, result.Error.Trace[^1].Line));
        Assert.Contains("System.ArgumentException: inner", result.Text(OutputKind.Error), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Endless_recursion_is_an_exception()
    {
        var result = await notebook.RunAsync("a", "int F(int x) => F(x + 1) + 1; F(0)");
        Assert.Equal("System.InsufficientExecutionStackException", result.Error!.Type);
    }

    [Fact]
    public async Task Another_language_is_not_run_and_said_so()
    {
        var result = await notebook.RunAsync("a", "erlang", "X = 1.", []);
        Assert.Equal(EvaluationStatus.Unsupported, result.Status);
        Assert.Contains("erlang", result.Text(OutputKind.Warning), StringComparison.Ordinal);
    }

    [Fact]
    public void Diagnostics_of_a_cell_being_edited_do_not_run_it()
    {
        var command = new RuntimeCommand.Diagnose("a", 3, "csharp", "using var x = new MemoryStream();\nint y = \"no\";", []);
        var diagnostic = Assert.Single(notebook.Evaluator.Diagnose(command, TestContext.Current.CancellationToken));
        Assert.Equal(("CS0029", 2, DiagnosticSeverity.Error), (diagnostic.Code, diagnostic.Line, diagnostic.Severity));
    }
}
