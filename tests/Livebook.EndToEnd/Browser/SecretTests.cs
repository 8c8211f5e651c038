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
        await window.GetByRole(AriaRole.Dialog).GetByLabel("Name", new() { Exact = true }).FillAsync("shop_token");
        await window.GetByLabel("Value", new() { Exact = true }).FillAsync("hush");
        await window.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(window.GetByRole(AriaRole.Cell, new() { Name = "SHOP_TOKEN", Exact = true })).ToBeVisibleAsync();
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

    /// <summary>X4: code that asks for a secret it does not have, and gets it.</summary>
    [Fact]
    public async Task A_secret_that_code_misses_is_added_from_its_error_and_the_cell_runs_again()
    {
        var session = await RealBrowser.SessionAsync(browser.Node, "# Secrets\n\n## Section\n\n```csharp\nSecrets[\"MISSED\"].Length\n```\n", Stop);
        await browser.Node.PostAsync($"sessions/{session}/evaluations", new { cells = "all", wait = 60 }, Stop);
        var notebook = await browser.OpenAsync(session);

        await notebook.Page.GetByRole(AriaRole.Group, new() { Name = "Error" }).GetByRole(AriaRole.Button, new() { Name = "Add secret" }).ClickAsync();
        await notebook.Page.GetByLabel("Value", new() { Exact = true }).FillAsync("four");
        await notebook.Page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();

        await Expect(notebook.Page.GetByRole(AriaRole.Group, new() { Name = "Error" })).ToHaveCountAsync(0);
        await Expect(notebook.Page.GetByText("4", new() { Exact = true }).First).ToBeVisibleAsync();
        await notebook.Page.Context.CloseAsync();
    }
}
