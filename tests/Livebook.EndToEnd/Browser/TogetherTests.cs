using System.Text.RegularExpressions;
using Livebook.EndToEnd.World;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Livebook.EndToEnd.Browser;

[Collection(RealBrowser.Name)]
public sealed class TogetherTests(RealBrowser browser)
{
    private const string OneCell = "# Shared\n\n## Section\n\n```csharp\nmiddle\n```\n";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_people_write_in_one_cell_and_see_each_other()
    {
        var session = await RealBrowser.SessionAsync(browser.Node, OneCell, Stop);
        var mara = await browser.OpenAsync(session);
        var jonas = await browser.OpenAsync(session);
        foreach (var (notebook, name) in new[] { (mara, "Mara"), (jonas, "Jonas") })
        {
            await notebook.Page.Locator(".bar .faces").ClickAsync();
            await notebook.Page.GetByLabel("Your name").FillAsync(name);
            await notebook.PressAsync("Enter");
        }
        await Expect(mara.Page.GetByRole(AriaRole.Tabpanel)).ToContainTextAsync("Jonas");
        await NotebookPage.EditorOf(mara.Cells).ClickAsync();
        await mara.PressAsync("Control+Home");
        await NotebookPage.EditorOf(jonas.Cells).ClickAsync();
        await jonas.PressAsync("Control+End");
        await Task.WhenAll(mara.TypeAsync("from the front ", delay: 8), jonas.TypeAsync(" and from the back", delay: 8));
        foreach (var notebook in new[] { mara, jonas })
            await Wait.UntilAsync(
                async () => await NotebookPage.TextOfAsync(notebook.Cells) == "from the front middle and from the back",
                "both see one text",
                Stop
            );
        await Expect(mara.Cells.Locator(".cm-remote-cursor[data-name=Jonas]")).ToHaveCountAsync(1);
        await Expect(jonas.Cells.Locator(".cm-remote-cursor[data-name=Mara]")).ToHaveCountAsync(1);
        await mara.PressAsync("Control+z");
        await Expect(NotebookPage.EditorOf(jonas.Cells)).ToContainTextAsync("and from the back");
        await mara.Page.Context.CloseAsync();
        await Expect(jonas.Page.GetByRole(AriaRole.Tabpanel)).Not.ToContainTextAsync("Mara");
        await jonas.Page.Context.CloseAsync();
    }

    [Fact]
    public async Task Typing_goes_on_while_the_server_is_dead_and_nothing_is_lost()
    {
        await using var node = await Node.StartAsync(new Dictionary<string, string>(), Stop);
        var session = await RealBrowser.SessionAsync(node, OneCell, Stop);
        var notebook = await browser.OpenAsync(session, node);
        await NotebookPage.EditorOf(notebook.Cells).ClickAsync();
        await notebook.PressAsync("Control+End");
        await notebook.TypeAsync(" before");
        await node.KillAsync();
        await notebook.TypeAsync(" during the outage", delay: 5);
        await Expect(notebook.Foot).ToContainTextAsync("Reconnecting");
        await Expect(notebook.Notice).ToContainTextAsync("Keep typing");
        await node.StartAsync(Stop);
        await notebook.TypeAsync(" after");
        await Expect(notebook.Foot).ToContainTextAsync("Connected");
        await Expect(notebook.Foot).Not.ToContainTextAsync("waiting");
        Assert.Equal("middle before during the outage after", await NotebookPage.TextOfAsync(notebook.Cells));
        await notebook.Page.ReloadAsync();
        await Expect(NotebookPage.EditorOf(notebook.Cells)).ToHaveTextAsync("middle before during the outage after");
        await notebook.Page.Context.CloseAsync();
    }

    [Fact]
    public async Task A_closed_session_says_so()
    {
        var session = await RealBrowser.SessionAsync(browser.Node, OneCell, Stop);
        var notebook = await browser.OpenAsync(session);
        await browser.Node.SendAsync(HttpMethod.Delete, $"sessions/{session}", null, Stop);
        await Expect(notebook.Page.GetByRole(AriaRole.Heading, new() { NameRegex = new Regex("not running") })).ToBeVisibleAsync();
        await notebook.Page.Context.CloseAsync();
    }
}
