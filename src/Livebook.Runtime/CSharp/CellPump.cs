using System.Collections.Concurrent;

namespace Livebook.Runtime.CSharp;

/// <summary>Runs the continuations of a cell on the cell's own thread while the cell runs, and on the pool afterwards.</summary>
internal sealed class CellPump : SynchronizationContext
{
    private readonly BlockingCollection<(SendOrPostCallback Callback, object? State)> posts = [];

    public override void Post(SendOrPostCallback d, object? state)
    {
        try
        {
            posts.Add((d, state));
        }
        catch (InvalidOperationException)
        {
            // The cell is over.
            ThreadPool.QueueUserWorkItem(_ => d(state));
        }
    }

    public override void Send(SendOrPostCallback d, object? state)
    {
        if (Current == this)
            d(state);
        else
            throw new NotSupportedException("use Post: the thread of a cell does not wait for others");
    }

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Runs continuations until the task has ended.</summary>
    public void RunUntil(Task task, CancellationToken stop)
    {
        if (!task.IsCompleted)
            task.ContinueWith(_ => Post(static _ => { }, null), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        while (!task.IsCompleted)
        {
            var (callback, state) = posts.Take(stop);
            callback(state);
        }
    }

    /// <summary>Leaves what is still to run to the pool.</summary>
    public void Close()
    {
        posts.CompleteAdding();
        foreach (var (callback, state) in posts.GetConsumingEnumerable())
            ThreadPool.QueueUserWorkItem(_ => callback(state));
    }
}
