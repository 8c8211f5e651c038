using System.Text.RegularExpressions;
using Livebook.EndToEnd.World;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Livebook.EndToEnd.Browser;

[Collection(RealBrowser.Name)]
public sealed class FileTests(RealBrowser browser)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_notebook_saves_itself_and_a_file_changed_outside_is_never_overwritten()
    {
        var home = Directory.CreateTempSubdirectory("livebook-files-").FullName;
        await using var node = await Node.StartAsync(new Dictionary<string, string> { ["LIVEBOOK_HOME"] = home }, Stop);
        var notebook = await browser.NewNotebookAsync(node);
        var page = notebook.Page;
        await notebook.TypeAsync("var first = 1;");
        await notebook.PressAsync("Control+s");
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Name" }).FillAsync("kept.livemd");
        await notebook.PressAsync("Enter");
        await Expect(notebook.SaveState).ToHaveTextAsync(new Regex("Saved"));
        var file = Path.Combine(home, "kept.livemd");
        Assert.Contains("var first = 1;", await File.ReadAllTextAsync(file, Stop), StringComparison.Ordinal);

        await NotebookPage.EditorOf(notebook.Cells).ClickAsync();
        await notebook.PressAsync("Control+End");
        await notebook.TypeAsync(" // by hand");
        await Wait.UntilAsync(
            async () => (await File.ReadAllTextAsync(file, Stop)).Contains("// by hand", StringComparison.Ordinal),
            "the edit is in the file",
            Stop
        );

        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file, Stop)).Replace("first", "outside", StringComparison.Ordinal), Stop);
        await notebook.TypeAsync(" again");
        await Expect(notebook.Notice).ToContainTextAsync("The file changed outside Livebook.");
        Assert.Contains("outside", await File.ReadAllTextAsync(file, Stop), StringComparison.Ordinal);
        await notebook.Notice.GetByRole(AriaRole.Button, new() { Name = "Take the file" }).ClickAsync();
        await Expect(NotebookPage.EditorOf(notebook.Cells)).ToContainTextAsync("var outside = 1;");
        await Expect(notebook.Notice).ToHaveTextAsync("");

        await page.GotoAsync(node.Address.ToString());
        await page.GetByRole(AriaRole.Button, new() { Name = "Open", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "kept.livemd" }).ClickAsync();
        await Expect(NotebookPage.EditorOf(notebook.Cells)).ToContainTextAsync("var outside = 1;");
        await page.Context.CloseAsync();
        Directory.Delete(home, recursive: true);
    }

    [Fact]
    public async Task A_notebook_is_opened_by_path_by_upload_and_by_paste()
    {
        var page = await browser.HomeAsync();
        var sample = Path.Combine(Repository.Samples, "hello.livemd");
        await page.Locator("input[type=file]").SetInputFilesAsync(sample);
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Hello, Livebook" })).ToBeVisibleAsync();
        var copy = Path.Combine(browser.Node.DataPath, "by-path.livemd");
        File.Copy(sample, copy);
        await page.GetByRole(AriaRole.Link, new() { Name = "Home" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Paste source" }).ClickAsync();
        await page.GetByLabel("Text of a notebook").FillAsync("# Pasted\n\n## Section\n\n```csharp\n1\n```\n");
        await page.GetByRole(AriaRole.Button, new() { Name = "Open as notebook" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Pasted" })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Home" }).ClickAsync();
        await page.GetByLabel("Path on the server").FillAsync(copy);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".dochead")).ToContainTextAsync("by-path.livemd");
        await page.Context.CloseAsync();
    }
}
