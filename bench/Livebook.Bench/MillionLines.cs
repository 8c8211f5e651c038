using System.Diagnostics;
using Livebook.Core.Sessions;

namespace Livebook.Bench;

/// <summary>A cell that prints a million lines: how long it takes, what it costs the server, and whether it can still be stopped.</summary>
internal static class MillionLines
{
    private const string Million = "for (var i = 0; i < 1_000_000; i++) Console.WriteLine($\"line {i} of a million\");";
    private const string Endless = "while (true) Console.WriteLine(\"a line of a cell that does not end by itself\");";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan BeforeStop = TimeSpan.FromSeconds(3);

    public static async Task RunAsync(ServerProgram program, Report report, CancellationToken stop)
    {
        await using var server = await Server.StartAsync(program, stop);
        var session = await server.OpenAsync(Notebooks.Of(["1 + 1", Million, Endless]), stop);
        await using var page = await Page.JoinAsync(server, session, stop);
        var cells = page.CodeCells();
        await page.EvaluateAsync(cells[0], stop);
        report.Add("server_before_mb", server.Figures.ResidentMegabytes);
        report.Add("million_lines_ms", await page.EvaluateAsync(cells[1], stop));
        report.Add("server_peak_mb", server.Figures.PeakMegabytes);
        report.Add("runtime_peak_mb", new ProcessFigures(page.View["runtime"]!["pid"]!.GetValue<int>()).PeakMegabytes);

        var pid = page.View["runtime"]!["pid"]!.GetValue<int>();
        await page.SubmitAsync(new ClientOperation.Evaluate([cells[2]]), stop);
        await page.UntilAsync(now => now.Status(cells[2]) == "evaluating", Patience, stop);
        await Task.Delay(BeforeStop, stop);
        var began = Stopwatch.GetTimestamp();
        await page.SubmitAsync(new ClientOperation.Cancel(cells[2]), stop);
        var ended = await page.UntilAsync(now => now.IsReady(cells[2]), Patience, stop);
        report.Add("endless_output_stopped_ms", Stopwatch.GetElapsedTime(began, ended).TotalMilliseconds);
        report.Add("runtime_kept", page.View["runtime"]!["pid"]?.GetValue<int>() == pid ? 1 : 0);
        report.Add("server_peak_after_endless_mb", server.Figures.PeakMegabytes);
        report.Add("resyncs", page.Resyncs);
    }
}
