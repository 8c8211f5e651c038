using System.ComponentModel;
using Livebook.Protocol;

namespace Livebook.Kino.Hosting;

/// <summary>
/// One run of a cell. It flows with the execution context into everything the cell starts (tasks, threads, timers), so that output finds its
/// cell and code left behind by a stopped run finds its end. For the runtime, not for notebooks.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class CellRun(string cell, int evaluation, Action<CellRun, Output> produce) : IDisposable
{
    private static readonly AsyncLocal<CellRun?> Ambient = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly Stack<object> disposeAtEnd = new();
    private volatile bool stopRequested;
    private volatile bool finished;

    /// <summary>The run that the calling code belongs to, or null outside of cells.</summary>
    public static CellRun? Current
    {
        get => Ambient.Value;
        set => Ambient.Value = value;
    }

    /// <summary>Id of the cell.</summary>
    public string Cell { get; } = cell;

    /// <summary>Number of the evaluation.</summary>
    public int Evaluation { get; } = evaluation;

    /// <summary>Cancelled when the run is interrupted, or when its cell runs again or is forgotten.</summary>
    public CancellationToken Stopping => stopping.Token;

    /// <summary>The code is to end at its next check.</summary>
    public bool StopRequested => stopRequested;

    /// <summary>The evaluation has been reported as over; later output is dropped.</summary>
    public bool IsFinished
    {
        get => finished;
        set => finished = value;
    }

    /// <summary>Asks everything that belongs to the run to end.</summary>
    public void RequestStop()
    {
        if (stopRequested)
            return;
        stopRequested = true;
        // A thread of its own: the pool may be full of the very code that is to stop, and what user code registered may block.
        new Thread(Cancel) { IsBackground = true, Name = "stop " + Cell }.Start();
    }

    /// <summary>Puts out one output; dropped after the end of the evaluation.</summary>
    public void Produce(Output output)
    {
        if (!finished)
            produce(this, output);
    }

    /// <summary>Remembers what a top-level <c>using</c> declaration holds.</summary>
    public void DisposeAtEnd(object? resource)
    {
        if (resource is null)
            return;
        lock (disposeAtEnd)
            disposeAtEnd.Push(resource);
    }

    /// <summary>Disposes what <see cref="DisposeAtEnd"/> collected, last one first.</summary>
    public async Task DisposeResourcesAsync()
    {
        while (true)
        {
            object? resource;
            lock (disposeAtEnd)
            {
                if (!disposeAtEnd.TryPop(out resource))
                    return;
            }
            if (resource is IAsyncDisposable asynchronous)
                await asynchronous.DisposeAsync();
            else
                (resource as IDisposable)?.Dispose();
        }
    }

    public void Dispose() => stopping.Dispose();

    private void Cancel()
    {
        try
        {
            stopping.Cancel();
        }
        catch (AggregateException)
        {
            // What user code registered has failed; the run ends all the same.
        }
    }
}
