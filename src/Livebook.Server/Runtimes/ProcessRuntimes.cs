using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text.Json;
using Livebook.Protocol;
using Livebook.Server.Runtimes.Isolation;
using Livebook.Server.Runtimes.Relay;
using Microsoft.Extensions.Logging;

namespace Livebook.Server.Runtimes;

/// <summary>Runtimes as child processes of the server, each with a socket and a key of its own.</summary>
public sealed class ProcessRuntimes : IRuntimes
{
    private readonly RuntimeContext _context;
    private readonly Task<Confinement> _confinement;
    private readonly CancellationTokenSource _ending = new();
    private readonly RuntimeLauncher _launcher;
    private readonly SparePool _spares;
    private readonly ConcurrentDictionary<string, RuntimeProcess> _live = new(StringComparer.Ordinal);
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(1);

    /// <summary>Runtimes that owners on other nodes hold through this one.</summary>
    private readonly ConcurrentDictionary<string, RuntimeRecord> _lent = new(StringComparer.Ordinal);
    private bool _disposed;

    /// <summary>Tidies up after an earlier server on the same data path, and begins to start spares in the background.</summary>
    public ProcessRuntimes(RuntimeOptions options, ILoggerFactory logs, TimeProvider time)
    {
        _context = new RuntimeContext(options, new RuntimeFolder(options.DataPath), time, logs.CreateLogger<ProcessRuntimes>());
        TidyUp();
        _confinement = Task.Run(() => ConfineAsync(_ending.Token));
        Weakness = WeaknessAsync();
        _launcher = new RuntimeLauncher(_context, _confinement);
        _spares = new SparePool(_context, _launcher);
    }

    /// <summary>How many runtimes wait for a session.</summary>
    public int SparesReady => _spares.Count;

    public async Task<IRuntime> StartAsync(RuntimeRequest request, Func<ReportFrame, Task> onReport, Action<string> onDown, CancellationToken stop)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        await FenceAsync(request, except: null);
        (await _confinement.WaitAsync(stop)).Share(request.Directory);
        using var late = new CancellationTokenSource(_context.Options.StartTimeout, _context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, late.Token);
        try
        {
            while (true)
            {
                var spare = await _spares.TakeAsync(either.Token);
                var runtime = spare ?? await _launcher.LaunchAsync(either.Token);
                if (Adopt(runtime, request, onReport, onDown, adopted: false))
                    return runtime;
                if (spare is null)
                    throw new RuntimeStartException("The runtime ended right after its start.");
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new RuntimeStartException($"No runtime was ready within {_context.Options.StartTimeout.TotalSeconds:0.#} s.");
        }
    }

    public async Task<IRuntime?> AdoptAsync(
        RuntimeRequest request,
        string runtimeId,
        long lastReport,
        Func<ReportFrame, Task> onReport,
        Action<string> onDown,
        CancellationToken stop
    )
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        await FenceAsync(request, except: runtimeId);
        if (_live.ContainsKey(runtimeId) || _context.Folder.Find(runtimeId) is not { } record || record.Session != request.Session)
            return null;
        if (record.Epoch > request.Epoch)
            return null;
        if (
            record.IsAlive
            && await _launcher.ReconnectAsync(record, lastReport, stop) is { } runtime
            && Adopt(runtime, request, onReport, onDown, adopted: true)
        )
            return runtime;
        End(record);
        return null;
    }

    public async Task<Stream?> OpenAsync(RuntimeCall call, CancellationToken stop)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_live.TryGetValue(call.Runtime, out var live))
        {
            // Its session has moved on, and this node has not let go of it yet.
            if (live.Session != call.Session)
                return null;
            live.Detach();
            await live.Ended.WaitAsync(stop);
        }
        if (_context.Folder.Find(call.Runtime) is not { } record || record.Session != call.Session || record.Epoch > call.Epoch)
            return null;
        if (!record.IsAlive)
        {
            End(record);
            return null;
        }
        record = record with { Epoch = call.Epoch };
        _context.Folder.Write(record);
        if (_lent.TryAdd(record.Id, record))
            _ = WatchAsync(record);
        try
        {
            var stream = await RuntimeConnection.OpenAsync(record.Socket, stop);
            var hello = new RuntimeCommand.Hello(record.Key, call.ProtocolMin, call.ProtocolMax, call.LastReport);
            await Frames.WriteAsync(stream, JsonSerializer.SerializeToUtf8Bytes(hello, ProtocolJson.Default.RuntimeCommand), stop);
            return stream;
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            // It is about to end.
            return null;
        }
    }

    /// <summary>A lent runtime that has ended is tidied up.</summary>
    private async Task WatchAsync(RuntimeRecord record)
    {
        while (record.IsAlive && !_disposed)
            await Task.Delay(WatchInterval, _context.Time);
        _lent.TryRemove(record.Id, out _);
        if (!_disposed)
            End(record);
    }

    /// <summary>
    /// Ends spares and runtimes. Those that were detached, or are held by another node, live on for the server that comes back; as the first process of
    /// a container this one takes everything with it, so then they are ended and whoever holds them hears it.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (Environment.ProcessId == 1)
            foreach (var record in _lent.Values)
                End(record);
        await _ending.CancelAsync();
        await _spares.DisposeAsync();
        // Those that were detached end their connection, the others their process.
        await Task.WhenAll(
            _live.Values.Select(async runtime =>
            {
                await runtime.StopAsync();
                await runtime.Ended;
            })
        );
    }

    public Task<string?> Weakness { get; }

    private async Task<Confinement> ConfineAsync(CancellationToken stop)
    {
        try
        {
            return await Confinement.ChooseAsync(_context.Options, _context.Folder, stop);
        }
        catch (IOException error)
        {
            throw new RuntimeStartException(error.Message);
        }
    }

    private async Task<string?> WeaknessAsync()
    {
        try
        {
            return (await _confinement).Weakness;
        }
        catch (Exception error) when (error is RuntimeStartException or OperationCanceledException)
        {
            return error is RuntimeStartException ? $"no notebook can run: {error.Message}" : null;
        }
    }

    private bool Adopt(RuntimeProcess runtime, RuntimeRequest request, Func<ReportFrame, Task> onReport, Action<string> onDown, bool adopted)
    {
        _live[runtime.Id] = runtime;
        _ = ForgetAsync(runtime);
        return runtime.Assign(request, onReport, onDown, adopted);
    }

    private async Task ForgetAsync(RuntimeProcess runtime)
    {
        await runtime.Ended;
        _live.TryRemove(runtime.Id, out _);
    }

    /// <summary>Ends every other runtime of the session on this data path: only one owner may run its cells.</summary>
    private async Task FenceAsync(RuntimeRequest request, string? except)
    {
        foreach (var runtime in _live.Values.Where(runtime => runtime.Session == request.Session && runtime.Id != except))
            await runtime.KillAsync("The session has a new runtime.");
        foreach (
            var record in _context.Folder.Records().Where(record => record.Session == request.Session && record.Id != except && !_live.ContainsKey(record.Id))
        )
        {
            if (record.Epoch > request.Epoch && record.IsAlive)
                throw new RuntimeStartException("A newer owner of this session has a runtime on this machine.");
            End(record);
        }
    }

    /// <summary>Removes what an earlier server left, except the newest runtime of each session: it may be adopted.</summary>
    private void TidyUp()
    {
        var records = _context.Folder.Records().ToArray();
        var newest = records
            .Where(record => record.Session is not null && record.IsAlive)
            .GroupBy(record => record.Session)
            .Select(group => group.MaxBy(record => record.Epoch)!.Id)
            .ToHashSet();
        foreach (var record in records.Where(record => !newest.Contains(record.Id)))
            End(record);
        _context.Folder.RemoveStrays(newest);
    }

    private void End(RuntimeRecord record)
    {
        if (record.IsAlive)
        {
            ProcessTree.KillGroup(record.Pid);
            ProcessTree.KillOne(record.Pid);
        }
        _context.Folder.Remove(record.Id, record.Socket);
    }
}
