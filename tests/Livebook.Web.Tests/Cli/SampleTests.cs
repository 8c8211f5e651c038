using System.Text.Json;
using Livebook.Testing;
using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Cli;

/// <summary>Notebooks as others write them, run from top to bottom.</summary>
public sealed class SampleTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_notebook_gives_the_outputs_that_were_saved_with_it()
    {
        var (ended, cells) = await RunAsync("strings.ipynb");
        Assert.Equal(0, ended.ExitCode);
        Assert.Equal(["ok", "ok", "ok"], Statuses(cells));
        // Saved on a system with other line ends.
        Assert.Equal("Ada and Grace\n", cells[0].GetProperty("stdout").GetString());
        Assert.Equal("3", cells[1].GetProperty("result").GetProperty("text/plain").GetString());
    }

    [Fact]
    public async Task Languages_and_commands_that_cannot_run_are_unsupported_and_fail_nothing()
    {
        var (ended, cells) = await RunAsync("languages.ipynb");
        Assert.Equal(0, ended.ExitCode);
        Assert.All(
            cells,
            cell =>
                Assert.Equal(
                    cell.GetProperty("language").GetString() == "csharp" && !IsCommand(cell) ? "ok" : "unsupported",
                    cell.GetProperty("status").GetString()
                )
        );
        Assert.Contains("#!import cannot be carried out here", ended.Error, StringComparison.Ordinal);
        Assert.Contains("Cells in \"fsharp\" cannot run here", ended.Error, StringComparison.Ordinal);

        bool IsCommand(JsonElement cell) => cell.GetProperty("id").GetString() == cells[^1].GetProperty("id").GetString();
    }

    [Theory]
    [InlineData("python.ipynb")]
    [InlineData("smart-cells.livemd")]
    [InlineData("old-habits.livemd")]
    public async Task Every_sample_runs_without_a_failure(string name)
    {
        var (ended, cells) = await RunAsync(name);
        Assert.True(ended.ExitCode == 0, ended.Error);
        Assert.All(Statuses(cells), status => Assert.True(status is "ok" or "unsupported", status));
    }

    private async Task<(Ended Ended, JsonElement[] Cells)> RunAsync(string name)
    {
        var report = _folder.PathOf("report.json");
        var ended = await LivebookProcess.RunAsync(["run", Repository.PathOf("samples", "imports", name), "--report", report, "--keep-going"]);
        var json = JsonDocument.Parse(await File.ReadAllTextAsync(report, TestContext.Current.CancellationToken)).RootElement;
        return (ended, [.. json.GetProperty("cells").EnumerateArray()]);
    }

    private static string[] Statuses(JsonElement[] cells) => [.. cells.Select(cell => cell.GetProperty("status").GetString()!)];
}
