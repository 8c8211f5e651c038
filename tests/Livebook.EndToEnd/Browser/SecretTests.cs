using Livebook.EndToEnd.World;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Livebook.EndToEnd.Browser;

/// <summary>Secrets and variables as a person sets them.</summary>
[Collection(RealBrowser.Name)]
public sealed class SecretTests(RealBrowser browser)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_secret_of_the_settings_is_switched_on_in_a_notebook_and_one_of_the_session_is_added_there()
    {
        var session = await RealBrowser.SessionAsync(browser.Node, "# Secrets\n\n## Section\n\n```csharp\n1\n```\n", Stop);
        var window = await browser.WindowAsync();
        await window.GotoAsync(browser.Node.SignInAddress);
        await window.GotoAsync(new Uri(browser.Node.Address, "settings").ToString());
        await window.GetByRole(AriaRole.Button, new() { Name = "Add secret" }).ClickAsync();
        await window.GetByLabel("Name", new() { Exact = true }).And(window.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Textbox)).FillAsync("shop_token");
        await window.GetByLabel("Value", new() { Exact = true }).FillAsync("hush");
        await window.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(window.GetByRole(AriaRole.Cell, new() { Name = "SHOP_TOKEN" })).ToBeVisibleAsync();
        await Expect(window.GetByText("hush")).ToHaveCountAsync(0);

        await window.GotoAsync(new Uri(browser.Node.Address, $"sessions/{session}").ToString());
        await window.GetByRole(AriaRole.Button, new() { Name = "Secrets", Exact = true }).ClickAsync();
        var use = window.GetByRole(AriaRole.Switch, new() { Name = "Use SHOP_TOKEN in this notebook" });
        await use.ClickAsync();
        await Expect(use).ToBeCheckedAsync();
        await window.GetByRole(AriaRole.Button, new() { Name = "Add secret" }).ClickAsync();
        await window.GetByRole(AriaRole.Dialog).GetByLabel("Name", new() { Exact = true }).FillAsync("own");
        await window.GetByLabel("Value", new() { Exact = true }).FillAsync("mine");
        await window.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await window.GetByRole(AriaRole.Button, new() { Name = "Reveal OWN" }).ClickAsync();
        await Expect(window.GetByText("mine", new() { Exact = true })).ToBeVisibleAsync();

        var secrets = await browser.Node.GetAsync($"sessions/{session}/secrets", Stop);
        Assert.Equal("""[{"name":"OWN","scope":"session"},{"name":"SHOP_TOKEN","scope":"workspace"}]""", secrets.ToString());
        await window.Context.CloseAsync();
    }
}
