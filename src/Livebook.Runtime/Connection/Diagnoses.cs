using Livebook.Protocol;
using Livebook.Runtime.CSharp;

namespace Livebook.Runtime.Connection;

/// <summary>Answers requests for diagnostics, one at a time; a newer request for a cell replaces an older one.</summary>
internal sealed class Diagnoses(CSharpEvaluator evaluator, ReportLog reports)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, RuntimeCommand.Diagnose> waiting = [];
    private RuntimeCommand.Diagnose? current;
    private CancellationTokenSource? currentStop;

    public void Submit(RuntimeCommand.Diagnose command)
    {
        lock (gate)
        {
            waiting[command.Cell] = command;
            if (current?.Cell == command.Cell)
                currentStop?.Cancel();
            if (current is not null)
                return;
            current = command;
        }
        _ = Task.Run(WorkAsync);
    }

    private async Task WorkAsync()
    {
        while (true)
        {
            using var stop = new CancellationTokenSource();
            RuntimeCommand.Diagnose command;
            lock (gate)
            {
                if (waiting.Count == 0)
                {
                    (current, currentStop) = (null, null);
                    return;
                }
                command = waiting.Values.First();
                waiting.Remove(command.Cell);
                (current, currentStop) = (command, stop);
            }
            try
            {
                var known = command.Language is "csharp" or "c#" or "cs";
                reports.Add(new RuntimeReport.Diagnosed(command.Cell, command.Revision, known ? evaluator.Diagnose(command, stop.Token) : []));
            }
            catch (OperationCanceledException)
            {
                // A newer revision of the cell waits already.
            }
            catch (Exception broken)
            {
                reports.Add(new RuntimeReport.Log($"diagnostics failed: {broken.GetType().Name}"));
            }
            lock (gate)
                currentStop = null;
            await Task.Yield();
        }
    }
}
