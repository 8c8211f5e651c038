using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Livebook.Cluster.Messaging;

/// <summary>
/// Runs everything that touches a node's state, one action after another, and <paramref name="afterBatch"/> whenever the queue ran empty
/// (or after some hundred actions): that is where what belongs together leaves in one message.
/// </summary>
internal sealed class Loop(ILogger log, Action afterBatch) : IAsyncDisposable
{
    private const int BatchSize = 256;
    private readonly Channel<Action> queue = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
    private Task running = Task.CompletedTask;
    private int pending;

    /// <summary>Actions that wait.</summary>
    public int Pending => Volatile.Read(ref pending);

    public void Start() => running = Task.Run(RunAsync);

    /// <summary>Queues an action; false after the loop ended.</summary>
    public bool Post(Action action)
    {
        Interlocked.Increment(ref pending);
        if (queue.Writer.TryWrite(action))
        {
            return true;
        }
        Interlocked.Decrement(ref pending);
        return false;
    }

    /// <summary>Runs a function on the loop and returns its result or exception.</summary>
    public Task<T> AskAsync<T>(Func<T> function)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var posted = Post(() =>
        {
            try
            {
                answer.SetResult(function());
            }
            catch (Exception error)
            {
                answer.SetException(error);
            }
        });
        return posted ? answer.Task : Task.FromException<T>(new ObjectDisposedException(nameof(ClusterNode), "This node has stopped."));
    }

    public async ValueTask DisposeAsync()
    {
        queue.Writer.TryComplete();
        await running;
    }

    private async Task RunAsync()
    {
        while (await queue.Reader.WaitToReadAsync())
        {
            for (var count = 0; count < BatchSize && queue.Reader.TryRead(out var action); count++)
            {
                Interlocked.Decrement(ref pending);
                Guard(action);
            }
            Guard(afterBatch);
        }
    }

    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception error)
        {
            log.LogError(error, "An error inside the node's loop; going on.");
        }
    }
}
