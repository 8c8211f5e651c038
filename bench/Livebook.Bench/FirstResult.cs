namespace Livebook.Bench;

/// <summary>The first evaluation of a fresh session, from the click to the result on the page.</summary>
internal static class FirstResult
{
    public static async Task RunAsync(ServerProgram program, int runs, Report report, CancellationToken stop)
    {
        report.AddMedian("cold", await MeasureAsync(program, spares: 0, runs, stop));
        report.AddMedian("warm_spare", await MeasureAsync(program, spares: 1, runs, stop));
        report.Add("runs", runs);
    }

    private static async Task<List<double>> MeasureAsync(ServerProgram program, int spares, int runs, CancellationToken stop)
    {
        await using var server = await Server.StartAsync(program, stop, ("LIVEBOOK_SPARE_RUNTIMES", $"{spares}"));
        var samples = new List<double>();
        // The first one is the server's own first, too: it counts for nothing here.
        for (var run = 0; run <= runs; run++)
        {
            var session = await server.OpenAsync(Notebooks.Of(["1 + 1"]), stop);
            await using (var page = await Page.JoinAsync(server, session, stop))
            {
                await UntilSparesWaitAsync(server, spares, stop);
                var elapsed = await page.EvaluateAsync(page.CodeCells()[0], stop);
                if (run > 0)
                    samples.Add(elapsed);
            }
            await server.CloseAsync(session, stop);
        }
        return samples;
    }

    /// <summary>Waits until the spares have warmed up and nothing else runs.</summary>
    private static async Task UntilSparesWaitAsync(Server server, int spares, CancellationToken stop)
    {
        while (server.Figures.Children.Count() != spares)
            await Task.Delay(50, stop);
        foreach (var child in server.Figures.Children)
            await child.UntilAtRestAsync(stop);
        await server.Figures.UntilAtRestAsync(stop);
    }
}
