using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Livebook.EndToEnd.Browser;

/// <summary>Files kept with a notebook, as its author handles them.</summary>
[Collection(RealBrowser.Name)]
public sealed class FilesPanelTests(RealBrowser browser)
{
    /// <summary>A picture of one pixel.</summary>
    private const string Pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    [Fact]
    public async Task Files_are_added_read_by_code_renamed_and_deleted()
    {
        var notebook = await browser.NewNotebookAsync();
        var page = notebook.Page;
        await notebook.PressAsync("Escape", "s", "f");
        var panel = page.GetByRole(AriaRole.Region, new() { Name = "Files" });
        await Expect(panel).ToContainTextAsync("No files yet");
        var file = new FilePayload
        {
            Name = "Week 47.csv",
            MimeType = "text/csv",
            Buffer = "a,b\n1,2\n"u8.ToArray(),
        };
        await panel.Locator("input[type=file]").SetInputFilesAsync(file);
        await Expect(panel).ToContainTextAsync("Week_47.csv");
        var cell = await notebook.RunAsync("File.ReadAllLines(Files.Path(\"Week_47.csv\"))[1]", "done");
        await Expect(NotebookPage.OutputOf(cell)).ToContainTextAsync("1,2");

        await panel.GetByRole(AriaRole.Button, new() { Name = "Actions for Week_47.csv" }).ClickAsync();
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "Rename" }).ClickAsync();
        var name = panel.GetByRole(AriaRole.Textbox, new() { Name = "New name of Week_47.csv" });
        await name.FillAsync("week.csv");
        await name.PressAsync("Enter");
        await Expect(panel.GetByText("week.csv", new() { Exact = true })).ToBeVisibleAsync();
        await Expect(panel).Not.ToContainTextAsync("Week_47.csv");

        await panel.GetByRole(AriaRole.Button, new() { Name = "Actions for week.csv" }).ClickAsync();
        var download = page.WaitForDownloadAsync();
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "Download" }).ClickAsync();
        Assert.Equal("week.csv", (await download).SuggestedFilename);

        await panel.GetByRole(AriaRole.Button, new() { Name = "Actions for week.csv" }).ClickAsync();
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "Delete" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await Expect(panel).ToContainTextAsync("No files yet");
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task A_picture_pasted_into_a_text_is_kept_with_the_notebook_and_shown()
    {
        var notebook = await browser.NewNotebookAsync();
        var text = await notebook.InsertAsync("Before ", "m");
        await notebook.Page.EvaluateAsync(
            """
            base64 => {
              const data = new DataTransfer();
              data.items.add(new File([Uint8Array.from(atob(base64), c => c.charCodeAt(0))], 'one pixel.png', { type: 'image/png' }));
              document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
            }
            """,
            Pixel
        );
        await Expect(NotebookPage.EditorOf(text)).ToContainTextAsync("Before ![](files/one_pixel.png)");
        var picture = text.Locator(".prose img");
        await Expect(picture).ToHaveJSPropertyAsync("naturalWidth", 1);
        await notebook.PressAsync("Escape");
        await notebook.Page.ReloadAsync();
        await Expect(notebook.Page.Locator(".prose img")).ToHaveJSPropertyAsync("naturalWidth", 1);
        await notebook.Page.Context.CloseAsync();
    }
}
