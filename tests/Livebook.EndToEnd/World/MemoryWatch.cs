using System.Globalization;

namespace Livebook.EndToEnd.World;

/// <summary>Watches how much resident memory servers use at most from now on.</summary>
internal sealed class MemoryWatch : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly long[] _before;
    private readonly long[] _most;
    private readonly Node[] _nodes;
    private readonly Task _loop;

    public MemoryWatch(Node[] nodes)
    {
        _nodes = nodes;
        _before = [.. nodes.Select(Resident)];
        _most = [.. _before];
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Of the node that grew most.</summary>
    public long GrowthMegabytes => _most.Zip(_before).Max(pair => pair.First - pair.Second) >> 20;

    /// <summary>Field 2 of <c>/proc/PID/statm</c>, in pages (proc(5)).</summary>
    private static long Resident(Node node) =>
        long.Parse(File.ReadAllText($"/proc/{node.Process.Pid}/statm").Split(' ')[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            for (var i = 0; i < _nodes.Length; i++)
                _most[i] = Math.Max(_most[i], Resident(_nodes[i]));
            await Task.Delay(100, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }
}
