using Livebook.Protocol;

namespace Livebook.Runtime.Tests.CSharp;

public sealed class BindingTests
{
    private readonly EvaluatedNotebook notebook = new();

    [Theory]
    [InlineData("x++; x")]
    [InlineData("IncM()")]
    [InlineData("inc()")]
    [InlineData("await Task.Run(() => x++); x")]
    [InlineData("Changed += () => x++; Raise(); x")]
    public async Task A_cell_that_changes_what_an_earlier_one_defined_gives_the_same_value_each_time(string source)
    {
        await notebook.RunAsync("a", "int x = 1; Func<int> inc = () => ++x; int IncM() => ++x; event Action Changed; void Raise() => Changed();");
        for (var i = 0; i < 3; i++)
            Assert.Equal("2", await notebook.ValueAsync("b", source, "a"));
        Assert.Equal("2", await notebook.ValueAsync("child", "x", "a", "b"));
        Assert.Equal("1", await notebook.ValueAsync("sibling", "x", "a"));
    }

    [Fact]
    public async Task A_failed_cell_commits_nothing()
    {
        await notebook.RunAsync("a", "int x = 1;");
        var failed = await notebook.RunAsync("b", "x = 99; var y = 1; throw new InvalidOperationException(\"no\");", "a");
        Assert.Equal(EvaluationStatus.Failed, failed.Status);
        Assert.Equal("1", await notebook.ValueAsync("c", "x", "a"));
        Assert.Equal("CompilationError", (await notebook.RunAsync("d", "y", "a", "b")).Error?.Type);
    }

    [Fact]
    public async Task Branches_do_not_see_each_other()
    {
        await notebook.RunAsync("a", "var x = 1;");
        await notebook.RunAsync("left", "x = 2; var only = 1;", "a");
        await notebook.RunAsync("right", "x = 3;", "a");
        Assert.Equal("2", await notebook.ValueAsync("l", "x", "a", "left"));
        Assert.Equal("3", await notebook.ValueAsync("r", "x", "a", "right"));
        Assert.Equal("CompilationError", (await notebook.RunAsync("r", "only", "a", "right")).Error?.Type);
    }

    [Fact]
    public async Task A_variable_or_type_may_be_declared_again_with_another_shape()
    {
        await notebook.RunAsync("a", "var x = 1; record R(int A); var old = new R(7);");
        await notebook.RunAsync("b", "var x = \"text\"; record R(string B);", "a");
        Assert.Equal("text R { B = q } 7", await notebook.ValueAsync("c", "$\"{x} {new R(\"q\")} {old.A}\"", "a", "b"));
    }

    [Fact]
    public async Task Usings_are_inherited()
    {
        await notebook.RunAsync("a", "using System.Numerics; using static System.Math; using L = System.Collections.Generic.List<int>;");
        Assert.Equal("1024 3 0", await notebook.ValueAsync("b", "$\"{BigInteger.Pow(2, 10)} {Max(1, 3)} {new L().Count}\"", "a"));
    }

    [Fact]
    public async Task A_cell_that_did_not_run_again_stays_in_place_behind_a_newer_ancestor()
    {
        await notebook.RunAsync("a", "var x = 1;");
        await notebook.RunAsync("between", "var y = 10; int Twice(int n) => 2 * n; var shape = new { A = 1 };", "a");
        Assert.Equal("22", await notebook.ValueAsync("c", "Twice(x + y)", "a", "between"));
        await notebook.RunAsync("a", "var x = \"one\";");
        Assert.Equal("one 20 { A = 2 }", await notebook.ValueAsync("c", "$\"{x} {Twice(y)} {(shape = new { A = 2 })}\"", "a", "between"));
    }

    [Fact]
    public async Task A_cell_whose_types_are_outdated_keeps_its_older_ancestors_and_says_so()
    {
        await notebook.RunAsync("a", "record R(int A);");
        await notebook.RunAsync("b", "var r = new R(5);", "a");
        await notebook.RunAsync("a", "record R(int A);");
        var result = await notebook.RunAsync("c", "r.A", "a", "b");
        Assert.Equal("5", result.Value);
        Assert.Contains("Cell b", result.Text(OutputKind.Warning), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_forgotten_cell_defines_nothing()
    {
        await notebook.RunAsync("a", "var x = 1;");
        notebook.Forget("a");
        Assert.Equal("CompilationError", (await notebook.RunAsync("b", "x", "a")).Error?.Type);
    }

    [Fact]
    public async Task A_top_level_using_is_disposed_of_at_the_end_of_the_cell()
    {
        Assert.Equal("True", await notebook.ValueAsync("a", "using var stream = new MemoryStream();\nstream.CanRead"));
        Assert.Equal("False", await notebook.ValueAsync("b", "stream.CanRead", "a"));
    }

    [Fact]
    public async Task Many_evaluations_leave_no_assemblies_behind()
    {
        await notebook.RunAsync("a", "var x = 1;");
        for (var i = 0; i < 120; i++)
            await notebook.RunAsync("b", "class T { public int V => 1; } var t = new T(); new[] { 1, 2 }.Select(n => n + t.V + x).Sum()", "a");
        for (var i = 0; i < 20 && CellAssemblies() > 40; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.InRange(CellAssemblies(), 0, 40);
    }

    private static int CellAssemblies() =>
        AppDomain.CurrentDomain.GetAssemblies().Count(assembly => assembly.IsCollectible && assembly.GetName().Name is ['C', >= '0' and <= '9', ..]);
}
