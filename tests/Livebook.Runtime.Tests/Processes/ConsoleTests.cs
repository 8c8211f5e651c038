using Livebook.Protocol;

namespace Livebook.Runtime.Tests.Processes;

public sealed class ConsoleTests
{
    [Fact]
    public async Task Whatever_writes_to_the_console_ends_up_in_the_cell()
    {
        await using var runtime = await RuntimeProcess.StartReadyAsync();
        Assert.Equal("child\n", (await runtime.RunAsync("a", "System.Diagnostics.Process.Start(\"echo\", \"child\").WaitForExit();")).Text);
        Assert.Equal(
            "native\n",
            (await runtime.RunAsync("b", "[System.Runtime.InteropServices.DllImport(\"libc\")] static extern int puts(string s);\nputs(\"native\");")).Text
        );
        Assert.Equal("in a task", (await runtime.RunAsync("c", "await Task.Run(() => Console.Write(\"in a task\"));")).Text);
        var colors = "Console.Write(1); Console.ForegroundColor = ConsoleColor.Red; Console.Write(2); Console.ResetColor(); Console.Write(3);";
        Assert.Matches("^1(\e\\[[0-9;]*m)+2(\e\\[[0-9;]*m)+3$", (await runtime.RunAsync("d", colors)).Text);
    }

    [Fact]
    public async Task Reading_the_console_fails_at_once()
    {
        await using var runtime = await RuntimeProcess.StartReadyAsync();
        var (status, text) = await runtime.RunAsync("a", "Console.ReadLine()");
        Assert.Equal(EvaluationStatus.Failed, status);
        Assert.Contains("standard input is not available here", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exception_in_the_background_is_told_and_survived()
    {
        await using var runtime = await RuntimeProcess.StartReadyAsync();
        var source = "new Thread(() => throw new InvalidOperationException(\"lost\")).Start(); while (!File.Exists(\"go\")) await Task.Delay(10);";
        await runtime.SubmitAsync("a", source);
        var reports = await runtime.ReadUntilAsync(report => report is RuntimeReport.Produced);
        var output = ((RuntimeReport.Produced)reports[^1]).Output;
        Assert.Equal(OutputKind.Stderr, output.Kind);
        Assert.Contains("lost", output.Data["text/plain"], StringComparison.Ordinal);
    }
}
