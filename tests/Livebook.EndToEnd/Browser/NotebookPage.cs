using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Livebook.EndToEnd.Browser;

/// <summary>The session page, in the words of its user.</summary>
internal sealed class NotebookPage(IPage page)
{
    public IPage Page => page;

    /// <summary>All cells but the setup cell.</summary>
    public ILocator Cells => page.Locator("article.cell:not(#cell-setup)");

    public ILocator Current => page.Locator("article[aria-current]");

    public ILocator Notice => page.Locator(".notice");

    public ILocator Foot => page.Locator(".foot");

    public ILocator SaveState => page.Locator(".bar .save");

    public static ILocator OutputOf(ILocator cell) => cell.Locator(".outs");

    public static ILocator EditorOf(ILocator cell) => cell.Locator(".cm-content");

    public static Task HasStateAsync(ILocator cell, string state) =>
        Assertions.Expect(cell).ToHaveAttributeAsync("data-s", new Regex($"^({state})$"), new() { Timeout = 40_000 });

    /// <summary>The lines of a cell's editor, without the names of others at their cursors.</summary>
    public static async Task<string> TextOfAsync(ILocator cell) => string.Join('\n', await cell.Locator(".cm-line").AllTextContentsAsync());

    public Task PressAsync(params string[] keys) => InOrderAsync(keys, key => page.Keyboard.PressAsync(key));

    public Task TypeAsync(string text, float delay = 0) => page.Keyboard.TypeAsync(text, new() { Delay = delay });

    private static async Task InOrderAsync(IEnumerable<string> keys, Func<string, Task> press)
    {
        foreach (var key in keys)
            await press(key);
    }

    /// <summary>Waits until the keyboard writes into a cell; into another one than <paramref name="before"/>, if given.</summary>
    public async Task<ILocator> UntilWritingAsync(string? before = null)
    {
        var found = await page.WaitForFunctionAsync(
            "before => { const id = document.activeElement?.closest('.cm-editor')?.closest('article')?.id; return id && id !== before ? id : null; }",
            before
        );
        return page.Locator($"#{await found.JsonValueAsync<string>()}");
    }

    /// <summary>Inserts a cell below the current one and writes into it, as if it was pasted.</summary>
    public async Task<ILocator> InsertAsync(string text, string key = "n")
    {
        await PressAsync("Escape");
        var before = await page.EvaluateAsync<string?>("document.querySelector('article[aria-current]')?.id ?? null");
        await PressAsync(key);
        var cell = await UntilWritingAsync(before);
        await page.Keyboard.InsertTextAsync(text);
        return cell;
    }

    /// <summary>Inserts a code cell and runs it.</summary>
    public async Task<ILocator> RunAsync(string code, string state)
    {
        var cell = await InsertAsync(code);
        await PressAsync("Control+Enter");
        await HasStateAsync(cell, state);
        return cell;
    }
}
