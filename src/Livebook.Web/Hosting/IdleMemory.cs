namespace Livebook.Web.Hosting;

/// <summary>
/// After a burst (a thousand pages joined, a large notebook was read) the collector keeps the memory it needed then. When the server has been
/// quiet for a while it gives that back: nobody is there to notice the pause.
/// </summary>
internal sealed class IdleMemory(TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <summary>Bytes allocated within an interval that still count as quiet: heartbeats and health checks.</summary>
    private const long QuietBytes = 4L << 20;

    /// <summary>Bytes allocated since the last time from which on there is something to give back.</summary>
    private const long BurstBytes = 8L << 20;

    /// <summary>Compacting a larger heap would take too long for a node that others wait for: some 100 ms.</summary>
    private const long LargestHeap = 128L << 20;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        long before = 0;
        long collected = 0;
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var allocated = GC.GetTotalAllocatedBytes();
            if (allocated - before <= QuietBytes && allocated - collected >= BurstBytes && GC.GetTotalMemory(forceFullCollection: false) <= LargestHeap)
            {
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
                collected = allocated;
            }
            before = allocated;
        }
    }
}
