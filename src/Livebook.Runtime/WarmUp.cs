using Livebook.Protocol;
using Livebook.Runtime.Capture;
using Livebook.Runtime.Connection;
using Livebook.Runtime.CSharp;

namespace Livebook.Runtime;

/// <summary>Compiles and runs a hidden cell, so that the first cell of the user finds everything loaded.</summary>
internal static class WarmUp
{
    private const string Source = """
        class Item { public int Number { get; init; } public string Name => $"item {Number}"; }
        record Pair(string A, int B);
        int Twice(int x) { for (var i = 0; i < 1; i++) x += x; return x; }
        var items = Enumerable.Range(0, 10).Select(i => new Item { Number = i }).Where(i => i.Number > 5).OrderBy(i => i.Name).ToList();
        await Task.Yield();
        Console.WriteLine($"{items.Count} {Twice(2)} {new Pair("a", 1)} {new Dictionary<string, int> { ["a"] = 1 }.Sum(p => p.Value)}");
        items.Select(i => i.Name).ToList()
        """;

    /// <summary>Runs it; its output goes nowhere. Cut short when a session comes: then the user's own cell warms up what it needs.</summary>
    public static async Task RunAsync(CSharpEvaluator evaluator, RunningCells running, CancellationToken cut)
    {
        const string Cell = "warm-up";
        using var output = new CellOutput(Cell, 0, new ReportLog());
        await using var _ = cut.Register(output.Run.RequestStop);
        running.Add(output);
        try
        {
            await evaluator.EvaluateAsync(new RuntimeCommand.Evaluate(Cell, 0, "csharp", Source, []), output, _ => { }, _ => { });
        }
        catch (OperationCanceledException) when (cut.IsCancellationRequested) { }
        finally
        {
            output.Conclude(null);
            output.Run.IsFinished = true;
            running.Remove(output);
            evaluator.Forget(Cell);
        }
        // A spare may wait for long: give back what only starting needed.
        if (!cut.IsCancellationRequested)
            GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
