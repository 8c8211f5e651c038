using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Livebook.Core.Sessions;

namespace Livebook.Bench;

/// <summary>Notebooks to measure with, and running their cells.</summary>
internal static class Notebooks
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>A notebook of code cells.</summary>
    public static string Of(IEnumerable<string> cells)
    {
        var text = new StringBuilder("# Bench\n\n## Section\n");
        foreach (var cell in cells)
            text.Append("\n```csharp\n").Append(cell).Append("\n```\n");
        return text.ToString();
    }

    /// <summary>Ids of the notebook's code cells in order, without the setup cell.</summary>
    public static string[] CodeCells(this Page page)
    {
        var cells = page.View["cells"]!;
        return
        [
            .. page.View["sectionOrder"]!
                .AsArray()
                .Skip(1)
                .SelectMany(section => page.View["sections"]![section!.GetValue<string>()]!["cells"]!.AsArray())
                .Select(cell => cell!.GetValue<string>())
                .Where(cell => cells[cell]!["kind"]!.GetValue<string>() == "code"),
        ];
    }

    /// <summary>Evaluates a cell as a click does; gives the milliseconds until the page shows it done.</summary>
    public static async Task<double> EvaluateAsync(this Page page, string cell, CancellationToken stop)
    {
        var before = page.Evaluations(cell);
        var began = Stopwatch.GetTimestamp();
        await page.SubmitAsync(new ClientOperation.Evaluate([cell]), stop);
        var done = await page.UntilAsync(now => now.Evaluations(cell) > before && now.IsReady(cell), Patience, stop);
        if (page.View["cells"]![cell]!["errored"]!.GetValue<bool>())
            throw new InvalidOperationException($"the cell failed: {page.View["cells"]![cell]!.ToJsonString()}");
        return Stopwatch.GetElapsedTime(began, done).TotalMilliseconds;
    }

    /// <summary>Evaluates all cells and waits until all are done.</summary>
    public static async Task EvaluateAllAsync(this Page page, CancellationToken stop)
    {
        var cells = page.CodeCells();
        await page.SubmitAsync(new ClientOperation.Evaluate([], "all"), stop);
        await page.UntilAsync(now => cells.All(cell => now.Evaluations(cell) > 0 && now.IsReady(cell)), Patience, stop);
    }

    public static int Evaluations(this Page page, string cell) => Cell(page, cell)["evaluations"]!.GetValue<int>();

    public static bool IsReady(this Page page, string cell) => Status(page, cell) == "ready";

    public static string Status(this Page page, string cell) => Cell(page, cell)["status"]!.GetValue<string>();

    private static JsonNode Cell(Page page, string cell) => page.View["cells"]![cell]!;
}
