using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Livebook.EndToEnd.Browser;

[Collection(RealBrowser.Name)]
public sealed class WritingTests(RealBrowser browser)
{
    [Fact]
    public async Task Keys_insert_move_delete_and_bring_back_cells()
    {
        var notebook = await browser.NewNotebookAsync();
        await notebook.TypeAsync("var a = 1;");
        var second = await notebook.InsertAsync("var b = 2;");
        await notebook.PressAsync("Escape", "K");
        await Expect(notebook.Cells.First).ToContainTextAsync("var b = 2;");
        await notebook.PressAsync("J");
        await Expect(notebook.Cells.First).ToContainTextAsync("var a = 1;");
        await notebook.PressAsync("k");
        await Expect(notebook.Current).ToContainTextAsync("var a = 1;");
        await notebook.PressAsync("j", "d", "d");
        await Expect(second).ToHaveCountAsync(0);
        await notebook.PressAsync("s", "b");
        await Expect(notebook.Page.GetByRole(AriaRole.Region, new() { Name = "Bin" })).ToContainTextAsync("var b = 2;");
        await notebook.Page.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        await Expect(second).ToContainTextAsync("var b = 2;");
        await notebook.PressAsync("Escape", "Enter");
        await notebook.UntilWritingAsync();
        await notebook.PressAsync("Shift+Enter");
        await NotebookPage.HasStateAsync(second, "done");
        await Expect(notebook.Cells).ToHaveCountAsync(3);
        await notebook.UntilWritingAsync(await second.GetAttributeAsync("id"));
        await notebook.PressAsync("Escape", "?");
        await Expect(notebook.Page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("Keyboard");
        await notebook.PressAsync("Escape");
        await Expect(notebook.Page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        await notebook.Page.Context.CloseAsync();
    }

    [Fact]
    public async Task Text_shows_formulas_and_diagrams_as_it_is_written()
    {
        var notebook = await browser.NewNotebookAsync();
        var cell = await notebook.InsertAsync("Sum $\\sum_{i=1}^n i$\n\n```mermaid\ngraph LR;\n  alpha --> omega;\n```\n", "m");
        await Expect(cell.Locator(".katex").First).ToBeVisibleAsync();
        await Expect(cell.Locator(".mermaid-drawn svg")).ToContainTextAsync("omega");
        await notebook.PressAsync("Escape");
        await Expect(cell.Locator(".cm-editor")).ToHaveCountAsync(0);
        await Expect(cell.Locator(".mermaid-drawn svg")).ToContainTextAsync("omega");
        await notebook.Page.Context.CloseAsync();
    }

    [Fact]
    public async Task Names_sections_and_the_outline_go_together()
    {
        var notebook = await browser.NewNotebookAsync();
        var page = notebook.Page;
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Title of the notebook" }).FillAsync("Weekly numbers");
        await notebook.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Weekly numbers" })).ToBeVisibleAsync();
        await Expect(page).ToHaveTitleAsync("Weekly numbers · Livebook");
        await page.Locator(".doc .tail").GetByRole(AriaRole.Button, new() { Name = "Section" }).ClickAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Name of the section" }).FillAsync("Appendix");
        await notebook.PressAsync("Enter");
        var outline = page.GetByRole(AriaRole.Region, new() { Name = "Outline" });
        await Expect(outline.GetByRole(AriaRole.Link, new() { Name = "Appendix" })).ToBeVisibleAsync();
        await page.ReloadAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Appendix" })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "More actions for Appendix" }).ClickAsync();
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "Delete section" }).ClickAsync();
        await Expect(outline.GetByRole(AriaRole.Link, new() { Name = "Appendix" })).ToHaveCountAsync(0);
        await page.Context.CloseAsync();
    }
}
