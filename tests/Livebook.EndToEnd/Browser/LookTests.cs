using System.Text.Json;
using Livebook.EndToEnd.World;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Livebook.EndToEnd.Browser;

[Collection(RealBrowser.Name)]
public sealed class LookTests(RealBrowser browser)
{
    private const string Notebook = """
        # A notebook with a rather long title that has to fit

        ## First section

        Text with $x^2$, a table and a list:

        | step | time that it took in the week before last |
        | --- | --- |
        | one | 12 ms |

        ```csharp
        var aLongLine = "a line of code that is longer than any phone is wide, so that the cell itself has to scroll"; aLongLine.Length
        ```

        <!-- livebook:{"branch_parent_index":0} -->

        ## A branch

        ```csharp
        throw new InvalidOperationException("a message that is long enough to be wrapped on a phone, and names_that_have_no_blank_in_them_at_all")
        ```

        """;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Everybody_can_use_every_page(ColorScheme theme)
    {
        var stranger = await browser.WindowAsync(theme: theme);
        await stranger.GotoAsync(browser.Node.Address.ToString());
        await Expect(stranger.GetByLabel("Token")).ToBeVisibleAsync();
        await IsAccessibleAsync(stranger);
        await stranger.Context.CloseAsync();

        var notebook = await browser.OpenAsync(await RanNotebookAsync(), theme: theme);
        await Expect(notebook.Page.Locator(".katex").First).ToBeVisibleAsync();
        await IsAccessibleAsync(notebook.Page);
        await notebook.Page.SetViewportSizeAsync(390, 844);
        await IsAccessibleAsync(notebook.Page);
        await notebook.Page.GotoAsync(browser.Node.Address.ToString());
        await Expect(notebook.Page.GetByRole(AriaRole.List).First).ToBeVisibleAsync();
        await IsAccessibleAsync(notebook.Page);
        await notebook.Page.SetViewportSizeAsync(1440, 900);
        await IsAccessibleAsync(notebook.Page);
        foreach (var (address, heading) in new[] { ("settings", "API keys"), ("cluster", "What happened") })
        {
            await notebook.Page.GotoAsync(new Uri(browser.Node.Address, address).ToString());
            await Expect(notebook.Page.GetByRole(AriaRole.Heading, new() { Name = heading })).ToBeVisibleAsync();
            await IsAccessibleAsync(notebook.Page);
            await notebook.Page.SetViewportSizeAsync(390, 844);
            await IsAccessibleAsync(notebook.Page);
            await notebook.Page.SetViewportSizeAsync(1440, 900);
        }
        await notebook.Page.Context.CloseAsync();
    }

    [Fact]
    public async Task No_page_scrolls_sideways()
    {
        var session = await RanNotebookAsync();
        var notebook = await browser.OpenAsync(session);
        foreach (var address in new[] { $"sessions/{session}", "", "settings", "cluster" })
        {
            await notebook.Page.GotoAsync(new Uri(browser.Node.Address, address).ToString());
            await Expect(notebook.Page.GetByRole(AriaRole.Heading).First).ToBeVisibleAsync();
            foreach (var width in new[] { 360, 390, 768, 1024, 1440 })
            {
                await notebook.Page.SetViewportSizeAsync(width, 800);
                Assert.Equal(width, await notebook.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
            }
        }
        await notebook.Page.Context.CloseAsync();
    }

    private async Task<string> RanNotebookAsync()
    {
        var session = await RealBrowser.SessionAsync(browser.Node, Notebook, Stop);
        await browser.Node.PostAsync($"sessions/{session}/evaluations", new { cells = "all", wait = 60 }, Stop);
        return session;
    }

    private static async Task IsAccessibleAsync(IPage page)
    {
        if (!await page.EvaluateAsync<bool>("'axe' in window"))
            await page.EvaluateAsync(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "client", "node_modules", "axe-core", "axe.min.js"), Stop));
        var found = await page.EvaluateAsync<JsonElement>(
            "async () => (await axe.run({ exclude: ['iframe'] }, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })).violations.map(rule => ({ rule: rule.id, at: rule.nodes.map(node => node.target.join(' ') + ': ' + node.failureSummary) }))"
        );
        Assert.Equal("[]", found.ToString());
    }
}
