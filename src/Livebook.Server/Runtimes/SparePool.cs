using Microsoft.Extensions.Logging;

namespace Livebook.Server.Runtimes;

/// <summary>Keeps started runtimes ready. Each slot starts one, waits until it is used or has ended, and begins again.</summary>
internal sealed class SparePool : IAsyncDisposable
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(60);

    private readonly RuntimeContext _context;
    private readonly RuntimeLauncher _launcher;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<Spare> _ready = [];
    private readonly Queue<TaskCompletionSource<RuntimeProcess?>> _waiting = new();
    private readonly Task _slots;
    private int _starting;

    public SparePool(RuntimeContext context, RuntimeLauncher launcher)
    {
        _context = context;
        _launcher = launcher;
        _slots = Task.WhenAll(Enumerable.Range(0, context.Options.Spares).Select(_ => Task.Run(KeepAsync)));
    }

    /// <summary>How many could be handed over at once.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _ready.Count;
        }
    }

    /// <summary>A runtime that is ready, or the next that will be; null when none is on its way.</summary>
    public async Task<RuntimeProcess?> TakeAsync(CancellationToken stop)
    {
        TaskCompletionSource<RuntimeProcess?> waiting;
        lock (_gate)
        {
            if (_ready.Count > 0)
            {
                var spare = _ready[0];
                _ready.RemoveAt(0);
                spare.Taken.TrySetResult();
                return spare.Process;
            }
            if (_waiting.Count >= _starting)
                return null;
            waiting = new TaskCompletionSource<RuntimeProcess?>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(waiting);
        }
        await using var _ = stop.Register(() => waiting.TrySetCanceled(stop));
        return await waiting.Task;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _slots;
        Spare[] left;
        lock (_gate)
        {
            left = [.. _ready];
            _ready.Clear();
            while (_waiting.TryDequeue(out var waiting))
                waiting.TrySetResult(null);
        }
        await Task.WhenAll(left.Select(spare => spare.Process.KillAsync("The server ends.")));
        _stop.Dispose();
    }

    private async Task KeepAsync()
    {
        var failures = 0;
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                if (await StartAsync() is not { } spare)
                {
                    var pause = TimeSpan.FromSeconds(Math.Min(LongestPause.TotalSeconds, Math.Pow(2, failures++)));
                    await Task.Delay(pause, _context.Time, _stop.Token);
                    continue;
                }
                failures = 0;
                if (await Task.WhenAny(spare.Taken.Task, spare.Process.Ended).WaitAsync(_stop.Token) != spare.Taken.Task)
                {
                    lock (_gate)
                        _ready.Remove(spare);
                }
                await Task.Delay(_context.Options.SpareDelay, _context.Time, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The server ends.
        }
    }

    private async Task<Spare?> StartAsync()
    {
        RuntimeProcess? process = null;
        lock (_gate)
            _starting++;
        try
        {
            process = await _launcher.LaunchAsync(_stop.Token);
        }
        catch (Exception error) when (error is RuntimeStartException or IOException or UnauthorizedAccessException)
        {
            _context.Log.LogWarning("no runtime could be started ahead: {Reason}", error.Message);
        }
        finally
        {
            lock (_gate)
                _starting--;
        }
        return Offer(process);
    }

    /// <summary>Gives a new process, or the news that there is none, to who waits longest; otherwise it is kept.</summary>
    private Spare? Offer(RuntimeProcess? process)
    {
        lock (_gate)
        {
            var spare = process is null ? null : new Spare(process);
            while (_waiting.TryDequeue(out var waiting))
            {
                if (!waiting.TrySetResult(process))
                    continue;
                spare?.Taken.TrySetResult();
                return spare;
            }
            if (spare is not null)
                _ready.Add(spare);
            return spare;
        }
    }

    private sealed record Spare(RuntimeProcess Process)
    {
        public TaskCompletionSource Taken { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
