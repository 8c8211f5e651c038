using System.Diagnostics;
using System.Globalization;

namespace Livebook.Bench;

/// <summary>Many viewers of one session while one types.</summary>
internal static class Viewers
{
    private const int JoinsAtOnce = 20;
    private const int EditsPerSecond = 20;
    private const int Seconds = 10;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task RunAsync(ServerProgram program, int[] counts, Report report, CancellationToken stop)
    {
        foreach (var count in counts)
            await MeasureAsync(program, count, report, stop);
    }

    private static async Task MeasureAsync(ServerProgram program, int count, Report report, CancellationToken stop)
    {
        await using var server = await Server.StartAsync(program, stop, ("LIVEBOOK_SPARE_RUNTIMES", "0"));
        var session = await server.OpenAsync(Notebooks.Of([""]), stop);
        await using var author = await Page.JoinAsync(server, session, stop);
        var typing = new Typing(author, author.CodeCells()[0]);
        var samples = Enumerable.Range(0, count).Select(_ => new List<double>(EditsPerSecond * Seconds)).ToArray();
        var pages = new List<Page>();
        try
        {
            foreach (var group in samples.Chunk(JoinsAtOnce))
                pages.AddRange(
                    await Task.WhenAll(group.Select(own => Page.JoinAsync(server, session, stop, (message, at) => typing.Find(message, at, own.Add))))
                );
            await server.Figures.UntilAtRestAsync(stop);

            var before = server.Figures.ProcessorTime;
            var began = Stopwatch.GetTimestamp();
            using (var clock = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / EditsPerSecond)))
            {
                for (var edit = 0; edit < EditsPerSecond * Seconds; edit++)
                {
                    await typing.TypeAsync(stop);
                    await clock.WaitForNextTickAsync(stop);
                }
            }
            var (typed, used) = (Stopwatch.GetElapsedTime(began), server.Figures.ProcessorTime - before);
            while (samples.Any(own => own.Count < EditsPerSecond * Seconds) && Stopwatch.GetElapsedTime(began) < typed + Patience)
                await Task.Delay(50, stop);

            var name = string.Create(CultureInfo.InvariantCulture, $"viewers_{count}");
            report.AddSpread(name, samples.SelectMany(own => own));
            report.Add($"{name}_server_cpu_percent_of_one_core", 100 * used / typed);
            report.Add($"{name}_missing", (count * EditsPerSecond * Seconds) - samples.Sum(own => own.Count));
            report.Add($"{name}_server_mb", server.Figures.ResidentMegabytes);
        }
        finally
        {
            await Task.WhenAll(pages.Select(page => page.DisposeAsync().AsTask()));
        }
    }
}
