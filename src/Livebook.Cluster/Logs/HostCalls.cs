using Microsoft.Extensions.Logging;

namespace Livebook.Cluster.Logs;

/// <summary>Calls into the host: in order and one at a time per log, off the loop. Touched on the loop only.</summary>
internal sealed class HostCalls(ILogger log)
{
    private sealed record Line(Task Last, CancellationTokenSource Stop);

    private readonly Dictionary<string, Line> lines = [];

    public ILogHost? Host { get; set; }

    public void Adopt(IOwnedLog owned, LogContents contents, OwnershipReason reason)
    {
        var stop = new CancellationTokenSource();
        Enqueue(owned.Id, host => host.AdoptAsync(owned, contents, reason, stop.Token), stop);
    }

    /// <summary>Also ends an adoption that is not done yet.</summary>
    public void Release(string id, OwnershipReason reason)
    {
        if (lines.TryGetValue(id, out var line))
        {
            _ = Task.Run(line.Stop.Cancel);
        }
        Enqueue(id, host => host.ReleaseAsync(id, reason), new CancellationTokenSource());
    }

    public void Sweep()
    {
        foreach (var id in lines.Where(pair => pair.Value.Last.IsCompleted).Select(pair => pair.Key).ToList())
        {
            lines.Remove(id);
        }
    }

    public Task IdleAsync() => Task.WhenAll(lines.Values.Select(line => line.Last));

    private void Enqueue(string id, Func<ILogHost, Task> call, CancellationTokenSource stop)
    {
        if (Host is { } host)
        {
            var before = lines.TryGetValue(id, out var line) ? line.Last : Task.CompletedTask;
            lines[id] = new Line(Task.Run(() => RunAsync(id, before, () => call(host))), stop);
        }
    }

    private async Task RunAsync(string id, Task before, Func<Task> call)
    {
        await before;
        try
        {
            await call();
        }
        catch (Exception error)
        {
            log.LogError(error, "The host failed on log {Log}.", id);
        }
    }
}
