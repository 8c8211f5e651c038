namespace Livebook.EndToEnd.World;

/// <summary>Waits for conditions.</summary>
internal static class Wait
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Asks until it holds; a failing request counts as not yet.</summary>
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
            catch (Exception error) when (error is HttpRequestException or IOException or Xunit.Sdk.XunitException)
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
}
