using System.Text.RegularExpressions;
using Livebook.EndToEnd.World;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Livebook.EndToEnd.Browser;

[Collection(RealBrowser.Name)]
public sealed class SignInTests(RealBrowser browser)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stranger_is_asked_for_the_token_and_goes_on_where_he_wanted_to()
    {
        var session = await RealBrowser.SessionAsync(browser.Node, "# Wanted\n\n## Section\n\n```csharp\n1\n```\n", Stop);
        var page = await browser.WindowAsync();
        var missing = new List<string>();
        page.Response += (_, response) =>
        {
            if (response.Status >= 400)
                missing.Add($"{response.Status} {response.Url}");
        };
        await page.GotoAsync(new Uri(browser.Node.Address, $"sessions/{session}").ToString());
        await page.GetByLabel("Token").FillAsync("not-the-token");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("That is not the token");
        var token = new Uri(browser.Node.SignInAddress).Query["?token=".Length..];
        await page.GetByLabel("Token").FillAsync(token);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Wanted" })).ToBeVisibleAsync();
        await Expect(page).ToHaveURLAsync(new Regex($"/sessions/{session}$"));
        Assert.Empty(missing);
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task Home_lists_the_session_and_loads_no_editor()
    {
        await RealBrowser.SessionAsync(browser.Node, "# Listed\n\n## Section\n\n```csharp\n1\n```\n", Stop);
        var page = await browser.HomeAsync();
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Listed" })).ToBeVisibleAsync();
        var sizes = await page.EvaluateAsync<string[][]>(
            "performance.getEntriesByType('resource').filter(entry => /[.]js$/.test(entry.name)).map(entry => [entry.name, String(entry.encodedBodySize)])"
        );
        Assert.DoesNotContain(sizes, script => script[0].Contains("SessionPage", StringComparison.Ordinal));
        Assert.InRange(sizes.Sum(script => int.Parse(script[1])), 1, 60_000);
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task Everything_works_below_a_base_path()
    {
        await using var node = await Node.StartAsync(new Dictionary<string, string> { ["LIVEBOOK_BASE_URL_PATH"] = "/lab" }, Stop);
        Assert.Contains("/lab/", node.SignInAddress, StringComparison.Ordinal);
        var notebook = await browser.NewNotebookAsync(node);
        await Expect(notebook.Page).ToHaveURLAsync(new Regex("/lab/sessions/"));
        await notebook.TypeAsync("HTML(\"<b>below</b>\")");
        await notebook.PressAsync("Control+Enter");
        await Expect(notebook.Page.FrameLocator("iframe.html-out").Locator("b")).ToHaveTextAsync("below");
        await notebook.Page.ReloadAsync();
        await Expect(notebook.Cells).ToHaveCountAsync(1);
        await notebook.Page.GetByRole(AriaRole.Link, new() { Name = "Home" }).ClickAsync();
        await Expect(notebook.Page).ToHaveURLAsync(new Regex("/lab/$"));
        await notebook.Page.Context.CloseAsync();
    }
}
