using Livebook.Protocol;

namespace Livebook.Runtime.Tests.Processes;

public sealed class CancelTests
{
    private static readonly string[] Scenarios =
    [
        "while (true) { }",
        "long s = 0; while (true) { s++; if (s % 7 == 0) s += 2; }",
        "L: goto L;",
        "await Task.Delay(1); while (true) { }",
        "await Task.Delay(1).ConfigureAwait(false); while (true) { }",
        "while (true) { try { while (true) { } } catch { } }",
        "while (true) { try { Thread.Sleep(1000); } catch { } }",
        "try { } finally { while (true) { } }",
        "Thread.Sleep(-1);",
        "Task.Delay(-1).Wait();",
        "Task.Delay(-1).GetAwaiter().GetResult();",
        "await Task.Delay(-1);",
        "new SemaphoreSlim(0).Wait();",
        "new ManualResetEvent(false).WaitOne();",
        "await Task.Run(() => { while (true) { } });",
        "Parallel.For(0, int.MaxValue, i => { while (true) { } });",
        "var g = new object(); lock (g) { while (true) { } }",
        "Enumerable.Range(0, int.MaxValue).SelectMany(i => Enumerable.Range(0, int.MaxValue)).Sum(i => i % 3)",
        "IEnumerable<int> All() { while (true) yield return 1; } foreach (var i in All()) ;",
        "IEnumerable<int> Slow() { while (true) { } yield return 1; } Slow()",
        "class Z { public static int V; static Z() { while (true) { } } } Z.V",
        "var t = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0); t.Start(); await t.AcceptTcpClientAsync();",
        "System.Diagnostics.Process.Start(\"sleep\", \"1000\").WaitForExit();",
        "while (true) Console.WriteLine(\"x\");",
        "while (true) display(\"x\");",
    ];

    [Fact]
    public async Task Whatever_a_cell_waits_in_or_loops_through_it_can_be_stopped_and_state_is_kept()
    {
        await using var runtime = await RuntimeProcess.StartReadyAsync();
        await runtime.RunAsync("kept", "var kept = 42;");
        foreach (var source in Scenarios)
        {
            var number = await runtime.SubmitAsync("a", source, "kept");
            await runtime.ReadUntilAsync(report => report is RuntimeReport.Started);
            await runtime.SendAsync(new RuntimeCommand.Cancel("a", number));
            var reports = await runtime.ReadUntilAsync(report => report is RuntimeReport.Finished);
            Assert.True(reports[^1] is RuntimeReport.Finished { Status: EvaluationStatus.Aborted, StateKept: true }, source);
        }
        Assert.Equal((EvaluationStatus.Ok, "42"), await runtime.RunAsync("b", "kept", "kept"));
    }

    [Fact]
    public async Task A_queued_cell_is_taken_from_the_queue()
    {
        await using var runtime = await RuntimeProcess.StartReadyAsync();
        await runtime.SubmitAsync("a", "await Task.Delay(-1);");
        var number = await runtime.SubmitAsync("b", "File.WriteAllText(\"ran\", \"\");");
        await runtime.SendAsync(new RuntimeCommand.Cancel("b", number));
        await runtime.SendAsync(new RuntimeCommand.Cancel("a", 1));
        Assert.Equal(EvaluationStatus.Aborted, (await runtime.FinishAsync("b")).Status);
        Assert.False(File.Exists(Path.Combine(Path.GetDirectoryName(runtime.Socket)!, "ran")));
    }

    [Fact]
    public async Task Code_that_cannot_be_stopped_is_announced_and_the_process_ends()
    {
        await using var runtime = await RuntimeProcess.StartReadyAsync();
        var number = await runtime.SubmitAsync("a", "Console.WriteLine(\"go\"); Regex.IsMatch(new string('a', 60) + \"b\", \"^(a+)+$\")");
        await runtime.ReadUntilAsync(report => report is RuntimeReport.Produced);
        await runtime.SendAsync(new RuntimeCommand.Cancel("a", number));
        var kinds = new List<OutputKind>();
        while (await runtime.ReadAsync() is { } frame)
            if (frame.Report is RuntimeReport.Produced produced)
                kinds.Add(produced.Output.Kind);
        Assert.Equal([OutputKind.Warning], kinds);
        Assert.NotEqual(0, await runtime.ExitCodeAsync());
    }

    [Fact]
    public async Task Flows_run_side_by_side()
    {
        await using var runtime = await RuntimeProcess.StartReadyAsync();
        await runtime.SendAsync(new RuntimeCommand.Evaluate("left", 1, "csharp", "await Task.Delay(-1);", [], "left"));
        await runtime.SendAsync(new RuntimeCommand.Evaluate("right", 1, "csharp", "5", [], "right"));
        Assert.Equal((EvaluationStatus.Ok, "5"), await runtime.FinishAsync("right"));
    }
}
