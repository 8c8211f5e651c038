using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Cli;

public sealed class CommandLineTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_version_is_one_line()
    {
        var ended = await LivebookProcess.RunAsync(["--version"]);
        Assert.Equal(0, ended.ExitCode);
        Assert.Matches(@"^\d+\.\d+\.\d+\n$", ended.Output);
        Assert.Empty(ended.Error);
    }

    [Theory]
    [InlineData("--help", "server", "run")]
    [InlineData("run --help", "--output", "--timeout")]
    [InlineData("server --help", "PATH", "server")]
    [InlineData("drill --help", "--faults", "--seed")]
    public async Task Help_names_what_is_possible(string arguments, string one, string two)
    {
        var ended = await LivebookProcess.RunAsync(arguments.Split(' '));
        Assert.Equal(0, ended.ExitCode);
        Assert.Contains(one, ended.Output, StringComparison.Ordinal);
        Assert.Contains(two, ended.Output, StringComparison.Ordinal);
        // What only drills and those who check them use.
        Assert.DoesNotContain("cripple", ended.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("fault-table", ended.Output, StringComparison.Ordinal);
        Assert.Empty(ended.Error);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("run FILE --launch-rockets")]
    [InlineData("run FILE --timeout soon")]
    [InlineData("run FILE --timeout 0")]
    [InlineData("run FILE --output out.docx")]
    [InlineData("run FILE --output FOLDER/no/out.livemd")]
    [InlineData("run FILE --report FOLDER/no/report.json")]
    [InlineData("run FOLDER")]
    [InlineData("run FOLDER/no.livemd")]
    [InlineData("run FILE FILE")]
    [InlineData("run BROKEN")]
    [InlineData("drill --nodes 1")]
    [InlineData("drill --faults many")]
    [InlineData("drill --matrix long")]
    [InlineData("drill --report FOLDER/no/report.md")]
    [InlineData("drill --cripple everything")]
    public async Task Bad_usage_ends_with_2_and_says_why(string arguments)
    {
        var file = _folder.Write("a.livemd", "# A\n\n## One\n\n```csharp\nConsole.WriteLine(\"ran\");\n```\n");
        var broken = _folder.Write("b.ipynb", "{");
        var all = arguments
            .Replace("FILE", file, StringComparison.Ordinal)
            .Replace("FOLDER", _folder.Path, StringComparison.Ordinal)
            .Replace("BROKEN", broken, StringComparison.Ordinal);
        var ended = await LivebookProcess.RunAsync(all.Split(' '));
        Assert.Equal(2, ended.ExitCode);
        Assert.Empty(ended.Output);
        Assert.NotEmpty(ended.Error);
        Assert.DoesNotContain("   at ", ended.Error, StringComparison.Ordinal);
    }
}
