namespace Livebook.Drill.Nodes;

/// <summary>Waits for conditions.</summary>
public static class Wait
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Asks until it holds; a failing request counts as not yet.</summary>
    /// <exception cref="TimeoutException">It took longer than <paramref name="patience"/> (60 s when not given).</exception>
    public static async Task UntilAsync(Func<Task<bool>> condition, string what, CancellationToken stop, TimeSpan? patience = null)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(patience ?? Patience);
        Exception? last = null;
        while (true)
        {
            try
            {
                if (await condition())
                    return;
            }
            catch (Exception error) when (!stop.IsCancellationRequested && IsPassing(error))
            {
                last = error;
            }
            try
            {
                await Task.Delay(Interval, limit.Token);
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                throw new TimeoutException($"waited in vain until {what}", last);
            }
        }
    }

    /// <summary>What a request to a node that is down, starting or moving its sessions may end with.</summary>
    internal static bool IsPassing(Exception error) => error is HttpRequestException or IOException or UnexpectedAnswerException or TaskCanceledException;
}
