using System.Diagnostics;
using System.Text.RegularExpressions;
using Livebook.EndToEnd.Browser;
using Livebook.EndToEnd.World;
using Microsoft.Playwright;

namespace Livebook.EndToEnd.Clusters;

/// <summary>Cables between real hosts are cut while real pages are open (rows 8, 10 and 11 of the fault matrix).</summary>
[Collection(OwnServers.Name)]
public sealed class PartitionTests(ITestOutputHelper output)
{
    private const string OneCell = "# Cut\n\n## Section\n\n```csharp\nstart\n```\n";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Where pictures of what users see go, if anywhere.</summary>
    private static readonly string? Pictures = Environment.GetEnvironmentVariable("LIVEBOOK_E2E_PICTURES");

    [Fact]
    public async Task A_page_on_the_side_of_the_minority_is_told_and_loses_nothing_it_typed()
    {
        await using var network = await SwitchedNetwork.StartAsync(3, Stop);
        await using var cluster = await Cluster.StartAsync(3, Stop, ThreeNodes.Quick, network);
        await using var browser = new RealBrowser();
        await browser.InitializeAsync();

        foreach (var ownerIsCutOff in new[] { true, false })
        {
            var session = await RealBrowser.SessionAsync(cluster.Nodes[0], OneCell, Stop);
            var place = await cluster.UntilAgreedAsync(session, Stop);
            var cutOff = ownerIsCutOff ? cluster.Named(place.Owner) : cluster.Nodes.First(node => node.Name != place.Owner);
            var others = cluster.Nodes.Where(node => node != cutOff).ToArray();
            var minority = await browser.OpenAsync(session, cutOff);
            var watcher = await browser.OpenAsync(session, cutOff);
            var majority = await browser.OpenAsync(session, others[0]);
            // Whichever nodes these are on: they end up where they can go on.
            var balanced = new[]
            {
                await browser.OpenAsync(session, cluster),
                await browser.OpenAsync(session, cluster),
                await browser.OpenAsync(session, cluster),
            };
            await TypeAtEndAsync(minority, " before");
            await UntilTextAsync(majority, "start before");

            var cut = Stopwatch.StartNew();
            await network.CutAsync(HostOf(cutOff), others.Select(HostOf), Stop);
            await TypeAtEndAsync(minority, " mine");
            // Also where nobody types.
            await Assertions.Expect(watcher.Notice).ToContainTextAsync(new Regex("Nothing is confirmed|Read only"), new() { Timeout = 60_000 });
            output.WriteLine($"{Side()}: the page says after {cut.Elapsed.TotalSeconds:0.0} s that nothing is confirmed");
            await PictureAsync(minority, "nothing-confirmed");
            await Assertions.Expect(minority.Notice).ToContainTextAsync("Read only", new() { Timeout = 60_000 });
            output.WriteLine($"{Side()}: the page is read only after {cut.Elapsed.TotalSeconds:0.0} s");
            await PictureAsync(minority, "read-only");
            await TypeAtEndAsync(minority, " ignored");
            await TypeAtStartAsync(majority, "theirs ");
            foreach (var page in balanced)
                await UntilTextAsync(page, "theirs start before");
            output.WriteLine($"{Side()}: pages behind the load balancer go on after {cut.Elapsed.TotalSeconds:0.0} s");
            await TypeAtEndAsync(balanced[0], " elsewhere");
            await UntilTextAsync(majority, "theirs start before elsewhere");

            await network.HealAsync(Stop);
            await cluster.UntilWholeAsync(Stop);
            await Assertions.Expect(minority.Notice).Not.ToContainTextAsync("Read only", new() { Timeout = 60_000 });
            var all = balanced.Append(majority).Append(minority).Append(watcher).ToArray();
            foreach (var page in all)
            {
                string? shown = null;
                try
                {
                    await Wait.UntilAsync(
                        async () => (shown = await TextAsync(page)) is "theirs start before mine elsewhere" or "theirs start before elsewhere mine",
                        "what was typed on both sides is everywhere",
                        Stop
                    );
                }
                catch (TimeoutException)
                {
                    await PictureAsync(page, "failed");
                    Assert.Fail($"page {Array.IndexOf(all, page)} of {all.Length} shows \"{shown}\"");
                }
            }
            await PictureAsync(minority, "healed");
            foreach (var page in all)
                await page.Page.Context.CloseAsync();

            string Side() => ownerIsCutOff ? "owner cut off" : "page's node cut off";
            Task PictureAsync(NotebookPage page, string name) =>
                Pictures is null
                    ? Task.CompletedTask
                    : page.Page.ScreenshotAsync(new() { Path = Path.Combine(Pictures, $"{(ownerIsCutOff ? "owner" : "page")}-{name}.png") });
        }
    }

    private static string HostOf(Node node) => node.Name[(node.Name.IndexOf('@', StringComparison.Ordinal) + 1)..];

    private static Task<string> TextAsync(NotebookPage page) => NotebookPage.TextOfAsync(page.Cells.First);

    private static Task UntilTextAsync(NotebookPage page, string text) =>
        Wait.UntilAsync(async () => await TextAsync(page) == text, $"a page shows \"{text}\"", Stop);

    private static Task TypeAtEndAsync(NotebookPage page, string text) => TypeAsync(page, "Control+End", text);

    private static Task TypeAtStartAsync(NotebookPage page, string text) => TypeAsync(page, "Control+Home", text);

    private static async Task TypeAsync(NotebookPage page, string place, string text)
    {
        await NotebookPage.EditorOf(page.Cells.First).ClickAsync();
        await page.PressAsync(place);
        await page.TypeAsync(text);
    }
}
