using System.Globalization;

namespace Livebook.Bench;

/// <summary>Resident memory: of the idle server, of each viewer who only looks, of a runtime that has run one cell.</summary>
internal static class Memory
{
    private const int JoinsAtOnce = 20;
    private const double KilobytesPerMegabyte = 1024;

    /// <summary>The server gives memory back when it has been quiet for 10 to 20 s.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(25);

    public static async Task RunAsync(ServerProgram program, int[] viewers, Report report, CancellationToken stop)
    {
        await using (var server = await Server.StartAsync(program, stop))
        {
            await SettleAsync(server.Figures, stop);
            report.Add("server_idle_mb", server.Figures.ResidentMegabytes);
            report.Add("server_idle_own_mb", server.Figures.OwnMegabytes);
            report.Add("spare_mb", server.Figures.Children.Single().ResidentMegabytes);
            var session = await server.OpenAsync(Notebooks.Of(["1 + 1"]), stop);
            await using var page = await Page.JoinAsync(server, session, stop);
            await page.EvaluateAsync(page.CodeCells()[0], stop);
            var runtime = new ProcessFigures(page.View["runtime"]!["pid"]!.GetValue<int>());
            await SettleAsync(runtime, stop);
            report.Add("runtime_after_first_cell_mb", runtime.ResidentMegabytes);
            report.Add("runtime_after_first_cell_own_mb", runtime.OwnMegabytes);
            report.Add("server_with_one_page_mb", server.Figures.ResidentMegabytes);
        }
        foreach (var count in viewers)
            report.Add(string.Create(CultureInfo.InvariantCulture, $"per_viewer_of_{count}_kb"), await PerViewerAsync(program, count, stop));
    }

    private static async Task<double> PerViewerAsync(ServerProgram program, int count, CancellationToken stop)
    {
        await using var server = await Server.StartAsync(program, stop, ("LIVEBOOK_SPARE_RUNTIMES", "0"));
        var session = await server.OpenAsync(Notebooks.Of(["1 + 1"]), stop);
        var pages = new List<Page>();
        try
        {
            // The first few bring in the code and the buffers that all share.
            await JoinAsync(server, session, pages, JoinsAtOnce, stop);
            await SettleAsync(server.Figures, stop);
            var before = server.Figures.ResidentMegabytes;
            while (pages.Count < JoinsAtOnce + count)
                await JoinAsync(server, session, pages, Math.Min(JoinsAtOnce, JoinsAtOnce + count - pages.Count), stop);
            await SettleAsync(server.Figures, stop);
            return (server.Figures.ResidentMegabytes - before) / count * KilobytesPerMegabyte;
        }
        finally
        {
            await Task.WhenAll(pages.Select(page => page.DisposeAsync().AsTask()));
        }
    }

    private static async Task JoinAsync(Server server, string session, List<Page> pages, int count, CancellationToken stop) =>
        pages.AddRange(await Task.WhenAll(Enumerable.Range(0, count).Select(_ => Page.JoinAsync(server, session, stop, watch: (_, _) => { }))));

    private static async Task SettleAsync(ProcessFigures process, CancellationToken stop)
    {
        await process.UntilAtRestAsync(stop);
        await Task.Delay(Quiet, stop);
    }
}
