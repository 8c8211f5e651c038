using System.Collections.Immutable;
using Livebook.Kino;
using Livebook.Kino.Hosting;

namespace Livebook.Runtime.CSharp;

/// <summary>How a cell's code ended: with a value (already formatted), or an exception.</summary>
internal sealed record Outcome(ImmutableSortedDictionary<string, string>? Value, Exception? Exception);

/// <summary>The thread of one run of a cell. A fresh one each, so that a late interrupt cannot hit the next run.</summary>
internal sealed class CellThread
{
    private const int StackBytes = 16 * 1024 * 1024;

    private readonly CellRun run;
    private readonly Func<Task<object?>> code;
    private readonly bool hasResult;
    private readonly Thread thread;
    private readonly Lock gate = new();
    private readonly TaskCompletionSource<Outcome> outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool started;
    private bool done;

    public CellThread(CellRun run, bool hasResult, Func<Task<object?>> code)
    {
        (this.run, this.hasResult, this.code) = (run, hasResult, code);
        thread = new Thread(Run, StackBytes) { IsBackground = true, Name = "cell " + run.Cell };
    }

    /// <summary>Runs the code to its end.</summary>
    public Task<Outcome> RunAsync()
    {
        lock (gate)
        {
            thread.Start();
            started = true;
        }
        return outcome.Task;
    }

    /// <summary>Interrupts whatever the thread waits in.</summary>
    public void Interrupt()
    {
        lock (gate)
            if (started && !done)
                thread.Interrupt();
    }

    private void Run()
    {
        CellRun.Current = run;
        var pump = new CellPump();
        SynchronizationContext.SetSynchronizationContext(pump);
        Outcome result;
        try
        {
            var task = RunToEndAsync();
            pump.RunUntil(task, run.Stopping);
            result = new Outcome(task.GetAwaiter().GetResult(), null);
        }
        catch (Exception thrown)
        {
            result = new Outcome(null, thrown);
        }
        EndInterrupts();
        pump.Close();
        outcome.SetResult(result);
    }

    /// <summary>From here on no interrupt comes any more, and one that came too late for the code is used up: it would hit what is still to do.</summary>
    private void EndInterrupts()
    {
        while (!done || run.StopRequested)
            try
            {
                lock (gate)
                    done = true;
                if (run.StopRequested)
                    Thread.Sleep(1);
                return;
            }
            catch (ThreadInterruptedException)
            {
                // Used up.
            }
    }

    private async Task<ImmutableSortedDictionary<string, string>?> RunToEndAsync()
    {
        try
        {
            var value = await code();
            return hasResult || value is not null ? MimeBundle.Of(value) : null;
        }
        finally
        {
            await run.DisposeResourcesAsync();
        }
    }
}
