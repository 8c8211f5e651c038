using Livebook.Protocol;

namespace Livebook.Runtime.Tests.Processes;

public sealed class ConnectionTests
{
    [Fact]
    public async Task A_wrong_key_or_an_unknown_protocol_closes_the_connection_and_the_right_one_still_works()
    {
        await using var runtime = await RuntimeProcess.StartAsync();
        await runtime.ConnectAsync("wrong");
        Assert.Null(await runtime.ReadAsync());
        await runtime.ConnectAsync(protocol: Frames.ProtocolMax + 1);
        Assert.Null(await runtime.ReadAsync());
        await runtime.ConnectAsync();
        Assert.IsType<RuntimeReport.Ready>((await runtime.ReadAsync())!.Report);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(runtime.Socket));
    }

    [Fact]
    public async Task A_cell_runs_and_streams_and_sees_its_environment_but_not_the_servers()
    {
        await using var runtime = await RuntimeProcess.StartReadyAsync();
        Assert.Equal((EvaluationStatus.Ok, "2"), await runtime.RunAsync("a", "1 + 1"));
        var seen = await runtime.RunAsync("b", "var e = Environment.GetEnvironmentVariables(); $\"{e[\"GREETING\"]} {e.Contains(\"LIVEBOOK_PASSWORD\")}\"");
        Assert.Equal((EvaluationStatus.Ok, "hi False"), seen);
        await runtime.SubmitAsync("c", "Console.WriteLine(\"early\"); await Task.Delay(-1, Stopping);");
        var reports = await runtime.ReadUntilAsync(report => report is RuntimeReport.Produced);
        Assert.Equal("early\n", ((RuntimeReport.Produced)reports[^1]).Output.Data["text/plain"]);
    }

    [Fact]
    public async Task An_evaluation_number_seen_before_is_ignored()
    {
        await using var runtime = await RuntimeProcess.StartReadyAsync();
        await runtime.RunAsync("a", "1");
        await runtime.SendAsync(new RuntimeCommand.Evaluate("a", 1, "csharp", "2", []));
        await runtime.SubmitAsync("b", "3");
        var reports = await runtime.ReadUntilAsync(report => report is RuntimeReport.Finished);
        Assert.DoesNotContain(reports, report => report is RuntimeReport.Started { Cell: "a" });
    }

    [Fact]
    public async Task Reports_that_were_not_acknowledged_come_again_after_a_new_connection()
    {
        await using var runtime = await RuntimeProcess.StartReadyAsync();
        runtime.Acknowledge = false;
        var before = runtime.LastReport;
        Assert.Equal((EvaluationStatus.Ok, "2"), await runtime.RunAsync("a", "1 + 1"));
        runtime.Disconnect();
        runtime.ForgetReportsAfter(before);
        await runtime.ConnectAsync();
        Assert.Equal((EvaluationStatus.Ok, "2"), await runtime.FinishAsync("a"));
    }

    [Fact]
    public async Task A_second_connection_replaces_the_first_and_the_cell_goes_on()
    {
        await using var runtime = await RuntimeProcess.StartReadyAsync();
        await runtime.SubmitAsync("a", "while (!File.Exists(\"go\")) await Task.Delay(10); \"done\"");
        await runtime.ReadUntilAsync(report => report is RuntimeReport.Started);
        await runtime.ConnectAsync();
        await runtime.SubmitAsync("b", "0");
        await File.WriteAllTextAsync(Path.Combine(Path.GetDirectoryName(runtime.Socket)!, "go"), "", TestContext.Current.CancellationToken);
        Assert.Equal((EvaluationStatus.Ok, "done"), await runtime.FinishAsync("a"));
    }

    [Fact]
    public async Task A_million_lines_wait_for_the_server_and_can_be_stopped()
    {
        await using var runtime = await RuntimeProcess.StartReadyAsync();
        runtime.Acknowledge = false;
        var number = await runtime.SubmitAsync("a", "for (var i = 0; i < 1_000_000; i++) Console.WriteLine(\"line number \" + i);");
        long characters = 0;
        while (characters < 3_000_000)
            if ((await runtime.ReadAsync())!.Report is RuntimeReport.Produced produced)
                characters += produced.Output.Data["text/plain"].Length;
        await runtime.SendAsync(new RuntimeCommand.Cancel("a", number));
        var (status, rest) = await runtime.FinishAsync("a");
        Assert.Equal(EvaluationStatus.Aborted, status);
        Assert.InRange(rest.Length, 0, 2_000_000);
        runtime.Acknowledge = true;
        await runtime.SendAsync(new RuntimeCommand.AcknowledgeReports(runtime.LastReport));
        var (done, text) = await runtime.RunAsync("b", "for (var i = 0; i < 1_000_000; i++) Console.WriteLine(i);");
        Assert.Equal((EvaluationStatus.Ok, 6_888_890), (done, text.Length));
    }

    [Fact]
    public async Task Without_a_server_it_ends_by_itself()
    {
        await using var never = await RuntimeProcess.StartAsync("--patience", "0.5");
        Assert.Equal(0, await never.ExitCodeAsync());
        await using var left = await RuntimeProcess.StartReadyAsync("--patience", "0.5");
        await left.RunAsync("a", "var child = System.Diagnostics.Process.Start(\"sleep\", \"1000\"); child.Id");
        left.Disconnect();
        Assert.Equal(0, await left.ExitCodeAsync());
    }

    [Fact]
    public async Task A_spare_ends_with_its_server()
    {
        await using var runtime = await RuntimeProcess.StartAsync();
        await runtime.ConnectAsync();
        await runtime.ReadAsync();
        runtime.Disconnect();
        Assert.Equal(0, await runtime.ExitCodeAsync());
    }

    [Fact]
    public async Task When_it_ends_its_children_end_too()
    {
        await using var runtime = await RuntimeProcess.StartReadyAsync();
        var (_, id) = await runtime.RunAsync("a", "System.Diagnostics.Process.Start(\"sleep\", \"1000\").Id");
        using var child = System.Diagnostics.Process.GetProcessById(int.Parse(id));
        await runtime.SendAsync(new RuntimeCommand.Shutdown());
        Assert.Equal(0, await runtime.ExitCodeAsync());
        await child.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("Environment.Exit(3);")]
    [InlineData("System.Diagnostics.Process.GetCurrentProcess().Kill();")]
    public async Task The_end_of_the_process_closes_the_connection(string source)
    {
        await using var runtime = await RuntimeProcess.StartReadyAsync();
        await runtime.SubmitAsync("a", source);
        while (await runtime.ReadAsync() is { } frame)
            Assert.IsNotType<RuntimeReport.Finished>(frame.Report);
        Assert.NotEqual(0, await runtime.ExitCodeAsync());
    }
}
