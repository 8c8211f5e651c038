using System.Text.Json;
using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Cli;

public sealed class RunTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_run_prints_what_cells_print_and_reports_every_cell()
    {
        var ended = await RunAsync(
            """
            # Hello

            ```csharp
            using System.Numerics;
            ```

            ## Intro

            Text.

            ```csharp
            Console.WriteLine("Hello");
            Console.Error.WriteLine("careful");
            ```

            ```csharp
            ```

            ## More

            ```fsharp
            let x = 1
            ```

            ```csharp
            HTML("<b>bold</b>")
            ```

            ```csharp
            Console.Write("\u001b[31mred\u001b[0m");
            BigInteger.Pow(2, 70)
            ```
            """
        );
        Assert.Equal(0, ended.ExitCode);
        Assert.StartsWith("Hello\n", ended.Output, StringComparison.Ordinal);
        Assert.Contains("1180591620717411303424", ended.Output, StringComparison.Ordinal);
        Assert.Contains("careful\n", ended.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", ended.Output + ended.Error, StringComparison.Ordinal);

        var report = await ReportAsync();
        Assert.Equal(["notebook", "file", "status", "durationMs", "cells"], report.EnumerateObject().Select(property => property.Name));
        Assert.Equal(("Hello", "a.livemd", "ok"), (Text(report, "notebook"), Text(report, "file"), Text(report, "status")));
        Assert.True(report.GetProperty("durationMs").GetInt64() > 0);
        var cells = report.GetProperty("cells").EnumerateArray().ToArray();
        Assert.Equal(["ok", "ok", "ok", "unsupported", "ok", "ok"], cells.Select(cell => Text(cell, "status")));
        Assert.Equal(["csharp", "csharp", "csharp", "fsharp", "csharp", "csharp"], cells.Select(cell => Text(cell, "language")));
        Assert.Equal(["Intro", "Intro", "More", "More", "More"], cells.Skip(1).Select(cell => Text(cell, "section")));
        Assert.Equal(6, cells.Select(cell => Text(cell, "id")).Distinct().Count());
        Assert.All(cells, cell => Assert.True(cell.GetProperty("durationMs").GetDouble() >= 0));
        Assert.Equal(("Hello\n", "careful\n"), (Text(cells[1], "stdout"), Text(cells[1], "stderr")));
        Assert.False(cells[1].TryGetProperty("result", out _));
        Assert.False(cells[1].TryGetProperty("error", out _));
        Assert.Equal("<b>bold</b>", Text(cells[4].GetProperty("result"), "text/html"));
        Assert.Equal("red", Text(cells[5], "stdout"));
        Assert.Equal("1180591620717411303424", Text(cells[5].GetProperty("result"), "text/plain"));
    }

    [Fact]
    public async Task A_failed_cell_ends_the_run_and_the_rest_is_skipped()
    {
        var ended = await RunAsync(
            "# Fail\n\n## One\n\n```csharp\nConsole.WriteLine(\"one\");\n```\n\n```csharp\nvar a = 0;\n\nConsole.WriteLine(1 / a);\n```\n\n```csharp\nConsole.WriteLine(\"three\");\n```\n"
        );
        Assert.Equal(1, ended.ExitCode);
        Assert.Equal("one\n", ended.Output);
        Assert.Contains("System.DivideByZeroException", ended.Error, StringComparison.Ordinal);
        var report = await ReportAsync();
        Assert.Equal("failed", Text(report, "status"));
        var cells = report.GetProperty("cells").EnumerateArray().ToArray();
        Assert.Equal(["ok", "failed", "skipped"], cells.Select(cell => Text(cell, "status")));
        var error = cells[1].GetProperty("error");
        Assert.Equal(["type", "message", "line"], error.EnumerateObject().Select(property => property.Name));
        Assert.Equal(("System.DivideByZeroException", 3), (Text(error, "type"), error.GetProperty("line").GetInt32()));
        Assert.Equal("", Text(cells[2], "stdout"));
    }

    [Fact]
    public async Task With_keep_going_every_cell_has_its_turn()
    {
        var ended = await RunAsync(
            "# Fail\n\n## One\n\n```csharp\nint.Parse(\"no\");\n```\n\n```csharp\nConsole.WriteLine(\"two\");\n```\n\n```csharp\nthis does not compile\n```\n\n```csharp\nConsole.WriteLine(\"four\");\n```\n",
            "--keep-going"
        );
        Assert.Equal(1, ended.ExitCode);
        Assert.Equal("two\nfour\n", ended.Output);
        var cells = (await ReportAsync()).GetProperty("cells").EnumerateArray().ToArray();
        Assert.Equal(["failed", "ok", "failed", "ok"], cells.Select(cell => Text(cell, "status")));
        Assert.Equal("CompilationError", Text(cells[2].GetProperty("error"), "type"));
    }

    [Fact]
    public async Task A_package_that_is_not_there_fails_its_cell_and_nothing_else()
    {
        var feed = Directory.CreateDirectory(_folder.PathOf("feed")).FullName;
        var ended = await RunAsync(
            $"# Packages\n\n## One\n\n```csharp\n#i \"nuget: {feed}\"\n#r \"nuget: Livebook.No.Such.Package, 1.0.0\"\n```\n\n```csharp\nConsole.WriteLine(\"two\");\n```\n",
            "--keep-going"
        );
        Assert.Equal(1, ended.ExitCode);
        Assert.Equal("two\n", ended.Output);
        var cells = (await ReportAsync()).GetProperty("cells").EnumerateArray().ToArray();
        Assert.Equal(["failed", "ok"], cells.Select(cell => Text(cell, "status")));
        Assert.Contains("Livebook.No.Such.Package", Text(cells[0].GetProperty("error"), "message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unsupported_cell_fails_a_strict_run_only()
    {
        const string Source =
            "# Mixed\n\n## One\n\n```fsharp\nlet x = 1\n```\n\n```csharp\n#!share --from fsharp x\nx\n```\n\n```csharp\nConsole.WriteLine(\"three\");\n```\n";
        var ended = await RunAsync(Source);
        Assert.Equal((0, "three\n"), (ended.ExitCode, ended.Output));
        Assert.Contains("#!share cannot be carried out here", ended.Error, StringComparison.Ordinal);
        var strict = await RunAsync(Source, "--strict");
        Assert.Equal((1, "three\n"), (strict.ExitCode, strict.Output));
        var report = await ReportAsync();
        Assert.Equal("failed", Text(report, "status"));
        Assert.Equal(["unsupported", "unsupported", "ok"], report.GetProperty("cells").EnumerateArray().Select(cell => Text(cell, "status")));
    }

    [Fact]
    public async Task A_run_that_is_out_of_time_ends_with_3_and_a_report()
    {
        var ended = await RunAsync(
            "# Slow\n\n## One\n\n```csharp\nwhile (true) { }\n```\n\n```csharp\nConsole.WriteLine(\"two\");\n```\n",
            "--timeout",
            "8",
            "--keep-going"
        );
        Assert.Equal(3, ended.ExitCode);
        Assert.Empty(ended.Output);
        Assert.Contains("Timed out", ended.Error, StringComparison.Ordinal);
        var report = await ReportAsync();
        Assert.Equal("timeout", Text(report, "status"));
        Assert.Equal(["aborted", "skipped"], report.GetProperty("cells").EnumerateArray().Select(cell => Text(cell, "status")));
    }

    [Fact]
    public async Task Outputs_are_written_in_both_formats_and_the_source_stays()
    {
        const string Source = "# Out\n\n## One\n\n```csharp\nConsole.WriteLine(\"Hello\");\n40 + 2\n```\n";
        var livemd = _folder.PathOf("out.livemd");
        Assert.Equal(0, (await RunAsync(Source, "--output", livemd)).ExitCode);
        var text = await File.ReadAllTextAsync(livemd, Stop);
        Assert.Contains("<!-- livebook:{\"output\":true} -->", text, StringComparison.Ordinal);
        Assert.Contains("Hello\n", text, StringComparison.Ordinal);
        Assert.Contains("\n42\n", text, StringComparison.Ordinal);
        Assert.Equal(Source, await File.ReadAllTextAsync(_folder.PathOf("a.livemd"), Stop));

        var ipynb = _folder.PathOf("out.ipynb");
        Assert.Equal(0, (await LivebookProcess.RunAsync(["run", livemd, "--output", ipynb])).ExitCode);
        var code = JsonDocument.Parse(await File.ReadAllTextAsync(ipynb, Stop)).RootElement.GetProperty("cells").EnumerateArray().Last();
        Assert.Equal(["stream", "execute_result"], code.GetProperty("outputs").EnumerateArray().Select(output => Text(output, "output_type")));
    }

    [Fact]
    public async Task Output_is_streamed_while_a_cell_runs_and_code_runs_beside_its_file()
    {
        var file = Write(
            "# Stream\n\n## One\n\n```csharp\nConsole.WriteLine(\"begun\");\nwhile (!File.Exists(\"go\"))\n    Thread.Sleep(10);\nConsole.WriteLine(\"done\");\n```\n"
        );
        await using var process = LivebookProcess.Start(["run", file]);
        Assert.Equal("begun\n", await process.WritesAsync("begun\n"));
        _folder.Write("go", "");
        var ended = await process.EndAsync();
        Assert.Equal((0, "begun\ndone\n"), (ended.ExitCode, ended.Output));
    }

    [Theory]
    [InlineData(LivebookProcess.Interrupt)]
    [InlineData(LivebookProcess.Terminate)]
    public async Task A_signal_stops_a_run_at_once_and_leaves_no_process(int signal)
    {
        var file = Write("# Endless\n\n## One\n\n```csharp\nConsole.WriteLine($\"pid {Environment.ProcessId}\");\nwhile (true) { }\n```\n");
        await using var process = LivebookProcess.Start(["run", file]);
        var said = await process.WritesAsync("\n");
        var runtime = int.Parse(said.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        Assert.Contains(runtime, process.Children());
        process.Signal(signal);
        var ended = await process.EndAsync();
        Assert.NotInRange(ended.ExitCode, 0, 3);
        Assert.DoesNotContain("Exception", ended.Error, StringComparison.Ordinal);
        await LivebookProcess.UntilGoneAsync(runtime);
    }

    private string Write(string source) => _folder.Write("a.livemd", source);

    private Task<Ended> RunAsync(string source, params string[] options) =>
        LivebookProcess.RunAsync(["run", Write(source), "--report", _folder.PathOf("report.json"), .. options]);

    private async Task<JsonElement> ReportAsync() => JsonDocument.Parse(await File.ReadAllTextAsync(_folder.PathOf("report.json"), Stop)).RootElement;

    private static string? Text(JsonElement json, string property) => json.GetProperty(property).GetString();
}
