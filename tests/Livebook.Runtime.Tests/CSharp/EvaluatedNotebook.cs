using System.Collections.Immutable;
using Livebook.Protocol;
using Livebook.Runtime.Capture;
using Livebook.Runtime.Connection;
using Livebook.Runtime.CSharp;
using Livebook.Runtime.Packages;

namespace Livebook.Runtime.Tests.CSharp;

/// <summary>A notebook's cells evaluated inside the test process.</summary>
internal sealed class EvaluatedNotebook
{
    private static readonly RunningCells Running = Capture();
    private readonly ReportLog reports = new();
    private readonly Dictionary<string, int> evaluations = [];
    private readonly Evaluations evaluator;
    private long read;

    public EvaluatedNotebook()
    {
        Evaluator = new CSharpEvaluator(new SessionPackages());
        evaluator = new Evaluations(Evaluator, reports, Running, () => { }, () => { });
    }

    public CSharpEvaluator Evaluator { get; }

    public void Forget(string cell) => evaluator.Forget(cell);

    public Task<CellResult> RunAsync(string cell, string source, params string[] path) => RunAsync(cell, "csharp", source, path);

    public Task<CellResult> RunAsync(string cell, string language, string source, string[] path)
    {
        var number = evaluations[cell] = evaluations.GetValueOrDefault(cell) + 1;
        evaluator.Submit(new RuntimeCommand.Evaluate(cell, number, language, source, [.. path]));
        return Task.Run(() => Collect(cell, number));
    }

    /// <summary>The plain text of the cell's result.</summary>
    public async Task<string?> ValueAsync(string cell, string source, params string[] path)
    {
        var result = await RunAsync(cell, source, path);
        Assert.True(result.Status == EvaluationStatus.Ok, result.Error?.Message);
        return result.Value;
    }

    private CellResult Collect(string cell, int number)
    {
        var outputs = ImmutableArray.CreateBuilder<Output>();
        while (true)
            foreach (var frame in reports.Read(read, TestContext.Current.CancellationToken))
            {
                read = frame.Sequence;
                reports.Acknowledge(read);
                if (frame.Report is RuntimeReport.Produced produced && produced.Cell == cell)
                    outputs.Add(produced.Output);
                if (frame.Report is RuntimeReport.Finished finished && finished.Cell == cell && finished.Evaluation == number)
                    return new CellResult(finished, outputs.ToImmutable());
            }
    }

    private static RunningCells Capture()
    {
        var running = new RunningCells();
        Console.SetOut(new CellConsole(OutputKind.Stdout, running, Console.Out));
        Console.SetError(new CellConsole(OutputKind.Stderr, running, Console.Error));
        return running;
    }
}

internal sealed record CellResult(RuntimeReport.Finished Finished, ImmutableArray<Output> Outputs)
{
    public EvaluationStatus Status => Finished.Status;
    public ErrorDetails? Error => Outputs.FirstOrDefault(output => output.Error is not null)?.Error;
    public string? Value => Outputs.FirstOrDefault(output => output.Kind == OutputKind.Result)?.Data["text/plain"];

    public string Text(OutputKind kind) => string.Concat(Outputs.Where(output => output.Kind == kind).Select(output => output.Data["text/plain"]));
}
