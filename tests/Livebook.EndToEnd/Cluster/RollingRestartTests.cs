using System.Globalization;
using Livebook.EndToEnd.Browser;
using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>Every node is restarted in turn while people type in real pages behind a load balancer (row 20 of the fault matrix).</summary>
[Collection(SharedCluster.Name)]
public sealed class RollingRestartTests(ThreeNodes shared, ITestOutputHelper output) : SharedClusterTests(shared)
{
    /// <summary>Notes for how long at most the page did not say that it is connected.</summary>
    private const string Watch = """
        () => {
          let since = null;
          window.longestAway = 0;
          setInterval(() => {
            const words = document.querySelector('.foot .conn')?.textContent ?? '';
            if (words.startsWith('Connected')) since = null;
            else {
              since ??= performance.now();
              window.longestAway = Math.max(window.longestAway, performance.now() - since);
            }
          }, 50);
        }
        """;

    private const string Values = "```csharp\nvar kept = System.Guid.NewGuid().ToString();\nkept\n```\n\n```csharp\nkept.ToUpperInvariant()\n```\n\n";

    /// <summary>Index of the first cell that is typed into.</summary>
    private const int FirstText = 2;

    /// <summary>Open pages; LIVEBOOK_E2E_PAGES asks for more.</summary>
    private static readonly int Pages = int.Parse(Environment.GetEnvironmentVariable("LIVEBOOK_E2E_PAGES") ?? "3", CultureInfo.InvariantCulture);

    [Fact]
    public async Task No_keystroke_is_lost_when_every_node_is_restarted_in_turn()
    {
        await using var browser = new RealBrowser();
        await browser.InitializeAsync();
        var source = $"# Rolling\n\n## Values\n\n{Values}## Texts\n\n{string.Concat(Enumerable.Repeat("```csharp\n\n```\n\n", Pages))}";
        var session = await RealBrowser.SessionAsync(Cluster.Nodes[0], source, Stop);
        var cells = await Cluster.Nodes[0].SourcesAsync(session, Stop);
        var kept = cells.Single(cell => cell.Value.StartsWith("var kept", StringComparison.Ordinal)).Key;
        var reader = cells.Single(cell => cell.Value.StartsWith("kept", StringComparison.Ordinal)).Key;
        var value = Notebooks.ResultOf(await Cluster.Nodes[0].EvaluateAsync(session, kept, Stop));
        await Cluster.UntilAgreedAsync(session, Stop);
        var pages = new List<NotebookPage>();
        for (var i = 0; i < Pages; i++)
        {
            pages.Add(await browser.OpenAsync(session, Cluster));
            await pages[i].Page.EvaluateAsync(Watch);
        }

        using var typing = new CancellationTokenSource();
        var typists = pages.Select((page, index) => TypeAsync(page, index, typing.Token)).ToArray();
        foreach (var node in Cluster.Nodes)
        {
            await node.TerminateAsync(Stop);
            Assert.Equal(0, node.Process.ExitCode);
            await node.StartAsync(Stop);
            await Cluster.UntilWholeAsync(Stop);
        }
        await typing.CancelAsync();
        var typed = await Task.WhenAll(typists);

        foreach (var page in pages)
            for (var i = 0; i < Pages; i++)
                await Wait.UntilAsync(
                    async () => await NotebookPage.TextOfAsync(page.Cells.Nth(FirstText + i)) == typed[i],
                    $"every page shows all of the {typed[i].Length} characters of cell {i}",
                    Stop
                );
        var away = await Task.WhenAll(pages.Select(page => page.Page.EvaluateAsync<double>("window.longestAway")));
        output.WriteLine(
            $"{Pages} pages, {typed.Sum(text => text.Length)} characters; a page was away for {away.Max():0} ms at most, median {away.Order().ElementAt(Pages / 2):0} ms"
        );
        // The runtime has changed hands three times, and its machine was restarted, too.
        Assert.Equal(value.ToUpperInvariant(), Notebooks.ResultOf(await Cluster.Nodes[0].EvaluateAsync(session, reader, Stop)));
    }

    private static async Task<string> TypeAsync(NotebookPage page, int cell, CancellationToken stop)
    {
        await NotebookPage.EditorOf(page.Cells.Nth(FirstText + cell)).ClickAsync();
        var typed = "";
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var word = string.Create(CultureInfo.InvariantCulture, $"w{i} ");
            await page.TypeAsync(word, delay: 60);
            typed += word;
        }
        return typed;
    }
}
