namespace Livebook.Bench;

/// <summary>A trivial cell again and again, at the end of notebooks of different lengths whose cells have all run.</summary>
internal static class TrivialCell
{
    private const int WarmUps = 50;
    private const int Samples = 300;

    public static async Task RunAsync(ServerProgram program, int[] lengths, Report report, CancellationToken stop)
    {
        await using var server = await Server.StartAsync(program, stop);
        foreach (var length in lengths)
        {
            var source = Notebooks.Of([.. Enumerable.Range(1, length - 1).Select(number => $"var v{number} = {number};"), "1 + 1"]);
            var session = await server.OpenAsync(source, stop);
            await using (var page = await Page.JoinAsync(server, session, stop))
            {
                await page.EvaluateAllAsync(stop);
                var last = page.CodeCells()[^1];
                var samples = new List<double>();
                var inRuntime = new List<double>();
                for (var run = -WarmUps; run < Samples; run++)
                {
                    var elapsed = await page.EvaluateAsync(last, stop);
                    if (run < 0)
                        continue;
                    samples.Add(elapsed);
                    inRuntime.Add(page.View["cells"]![last]!["durationMs"]!.GetValue<double>());
                }
                report.AddSpread($"cells_{length}", samples);
                report.AddSpread($"cells_{length}_in_runtime", inRuntime);
            }
            await server.CloseAsync(session, stop);
        }
        report.Add("samples", Samples);
    }
}
