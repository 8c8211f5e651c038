using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Livebook.EndToEnd.Browser;

[Collection(RealBrowser.Name)]
public sealed class RunningTests(RealBrowser browser)
{
    [Fact]
    public async Task A_new_notebook_waits_for_code_and_shows_its_value()
    {
        var notebook = await browser.NewNotebookAsync();
        await notebook.TypeAsync("1 + 1");
        await notebook.PressAsync("Control+Enter");
        await Expect(NotebookPage.OutputOf(notebook.Cells)).ToHaveTextAsync("2");
        await NotebookPage.HasStateAsync(notebook.Cells, "done");
        await notebook.Page.Context.CloseAsync();
    }

    [Fact]
    public async Task Output_streams_in_colours_and_a_carriage_return_starts_the_line_over()
    {
        var notebook = await browser.NewNotebookAsync();
        var cell = await notebook.RunAsync(
            """
            Console.WriteLine("\u001b[32mgreen\u001b[0m");
            for (var i = 0; i <= 100; i += 50) Console.Write($"\r{i} %");
            while (!Notebook.Stopping.IsCancellationRequested) await Task.Delay(20);
            """,
            "running"
        );
        var output = NotebookPage.OutputOf(cell);
        await Expect(output).ToContainTextAsync("100 %");
        await Expect(output.Locator("span", new() { HasText = "green" }))
            .ToHaveCSSAsync(
                "color",
                await notebook.Page.EvaluateAsync<string>(
                    "(() => { const probe = document.createElement('i'); probe.style.color = 'var(--a2)'; document.body.append(probe); const color = getComputedStyle(probe).color; probe.remove(); return color; })()"
                )
            );
        Assert.DoesNotContain("50 %", (await output.TextContentAsync())!.Replace("100 %", "", StringComparison.Ordinal), StringComparison.Ordinal);
        await cell.GetByRole(AriaRole.Button, new() { Name = "Stop cell" }).ClickAsync();
        await NotebookPage.HasStateAsync(cell, "aborted|failed|done");
        await notebook.Page.Context.CloseAsync();
    }

    [Fact]
    public async Task An_endless_loop_stops_and_values_stay()
    {
        var notebook = await browser.NewNotebookAsync();
        await notebook.TypeAsync("var kept = 41;");
        var loop = await notebook.RunAsync("while (true) { }", "running");
        await loop.GetByRole(AriaRole.Button, new() { Name = "Stop cell" }).ClickAsync();
        await NotebookPage.HasStateAsync(loop, "aborted|failed");
        await notebook.PressAsync("Escape", "d", "d");
        await Expect(notebook.Cells).ToHaveCountAsync(1);
        var last = await notebook.RunAsync("kept + 1", "done");
        await Expect(NotebookPage.OutputOf(last)).ToHaveTextAsync("42");
        await notebook.Page.Context.CloseAsync();
    }

    [Fact]
    public async Task An_error_names_the_line_and_leads_to_it()
    {
        var notebook = await browser.NewNotebookAsync();
        var cell = await notebook.RunAsync("var zero = 0;\nvar one = 1;\none / zero", "failed");
        var error = NotebookPage.OutputOf(cell);
        await Expect(error).ToContainTextAsync("DivideByZeroException");
        await error.GetByRole(AriaRole.Button, new() { Name = "line 3" }).ClickAsync();
        await Expect(cell.Locator(".cm-focused .cm-activeLine")).ToHaveTextAsync("one / zero");
        await notebook.Page.Context.CloseAsync();
    }

    [Fact]
    public async Task Html_runs_in_a_frame_that_reaches_nothing_of_the_page()
    {
        var notebook = await browser.NewNotebookAsync();
        const string Tries = "[() => parent.document.title, () => document.cookie, () => localStorage.length]";
        const string Tell = $"told.textContent = {Tries}.map(work => {{ try {{ work(); return 'open' }} catch {{ return 'closed' }} }}).join(' ')";
        await notebook.RunAsync($"HTML(\"<h3>Hello</h3><p id=told></p><script>{Tell}</script>\")", "done");
        var frame = notebook.Page.FrameLocator("iframe.html-out");
        await Expect(frame.Locator("h3")).ToHaveTextAsync("Hello");
        await Expect(frame.Locator("#told")).ToHaveTextAsync("closed closed closed");
        await Expect(notebook.Page.Locator("iframe.html-out")).ToHaveCSSAsync("height", new System.Text.RegularExpressions.Regex("^[5-9][0-9]"));
        await notebook.Page.Context.CloseAsync();
    }

    [Fact]
    public async Task Images_formulas_and_long_output_are_shown()
    {
        var notebook = await browser.NewNotebookAsync();
        var cell = await notebook.RunAsync(
            """"
            display("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "image/png");
            display(Markdown("$x^2$ **strong**"));
            for (var i = 1; i <= 3000; i++) Console.WriteLine($"line {i}");
            """",
            "done"
        );
        await notebook.Page.WaitForFunctionAsync("document.querySelector('.outs img')?.naturalWidth === 1");
        await Expect(cell.Locator(".outs .katex").First).ToBeVisibleAsync();
        await Expect(cell.Locator(".outs")).ToContainTextAsync("First 8 of 3,000 lines");
        await cell.GetByRole(AriaRole.Button, new() { Name = "Show all" }).ClickAsync();
        await Expect(cell.Locator(".outs")).ToContainTextAsync("line 3000");
        await notebook.Page.Context.CloseAsync();
    }

    [Fact]
    public async Task A_runtime_that_crashed_is_started_again_by_one_click()
    {
        var notebook = await browser.NewNotebookAsync();
        await notebook.TypeAsync("var x = 20;\nx + 1");
        await notebook.PressAsync("Control+Enter");
        await NotebookPage.HasStateAsync(notebook.Cells, "done");
        var crash = await notebook.RunAsync("Environment.FailFast(\"enough\");", "aborted|failed");
        await Expect(notebook.Notice).ToContainTextAsync("The runtime stopped.");
        await NotebookPage.EditorOf(crash).FillAsync("x + 2");
        await notebook.Notice.GetByRole(AriaRole.Button, new() { Name = "Run 2 cells" }).ClickAsync();
        await Expect(NotebookPage.OutputOf(crash)).ToHaveTextAsync("22");
        await Expect(notebook.Notice).ToHaveTextAsync("");
        await Expect(notebook.Page.GetByRole(AriaRole.Tabpanel)).ToContainTextAsync("Ready");
        await notebook.Page.Context.CloseAsync();
    }
}
