using System.Globalization;
using Livebook.EndToEnd.Browser;
using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>Real pages, each on another node.</summary>
[Collection(SharedCluster.Name)]
public sealed class BrowsersOnNodesTests(ThreeNodes shared) : SharedClusterTests(shared)
{
    private const string OneCell = "# Shared\n\n## Section\n\n```csharp\n\n```\n";

    /// <summary>Seconds of typing; the full run takes 30 (LIVEBOOK_E2E_TYPING_SECONDS).</summary>
    private static TimeSpan Typing { get; } =
        TimeSpan.FromSeconds(int.Parse(Environment.GetEnvironmentVariable("LIVEBOOK_E2E_TYPING_SECONDS") ?? "5", CultureInfo.InvariantCulture));

    [Fact]
    public async Task Two_pages_on_different_nodes_type_in_one_cell_and_a_third_sees_the_same()
    {
        await using var browser = new RealBrowser();
        await browser.InitializeAsync();
        var session = await RealBrowser.SessionAsync(Cluster.Nodes[0], OneCell, Stop);
        await Cluster.UntilAgreedAsync(session, Stop);
        var first = await browser.OpenAsync(session, Cluster.Nodes[1]);
        var second = await browser.OpenAsync(session, Cluster.Nodes[2]);
        var until = DateTime.UtcNow + Typing;
        var typed = await Task.WhenAll(TypeAsync(first, "abcde ", until), TypeAsync(second, "VWXYZ ", until));

        var length = typed.Sum();
        await Wait.UntilAsync(async () => (await NotebookPage.TextOfAsync(first.Cells)).Length == length, "the first page has everything", Stop);
        var text = await NotebookPage.TextOfAsync(first.Cells);
        await Wait.UntilAsync(async () => await NotebookPage.TextOfAsync(second.Cells) == text, "the second page has the same text", Stop);
        var third = await browser.OpenAsync(session, Cluster.Nodes[0]);
        await Wait.UntilAsync(async () => await NotebookPage.TextOfAsync(third.Cells) == text, "a page that joins later sees it", Stop);
        Assert.All("abcdeVWXYZ", letter => Assert.Equal(typed[char.IsUpper(letter) ? 1 : 0] / 6, text.Count(each => each == letter)));
        TestContext.Current.SendDiagnosticMessage($"{length} characters typed by two pages on different nodes in {Typing.TotalSeconds} s, no divergence");
    }

    /// <summary>Types a word over and over; returns how many characters that were.</summary>
    private static async Task<int> TypeAsync(NotebookPage page, string word, DateTime until)
    {
        await NotebookPage.EditorOf(page.Cells).ClickAsync();
        var typed = 0;
        while (DateTime.UtcNow < until)
        {
            await page.TypeAsync(word, delay: 15);
            typed += word.Length;
        }
        return typed;
    }
}
