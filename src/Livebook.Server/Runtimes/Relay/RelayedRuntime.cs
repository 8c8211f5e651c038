using System.Text.Json;
using Livebook.Cluster;
using Livebook.Protocol;
using Microsoft.Extensions.Logging;

namespace Livebook.Server.Runtimes.Relay;

/// <summary>A runtime on another node, held by the session's owner here. It outlives a restart of the server on that node; commands wait meanwhile.</summary>
internal sealed partial class RelayedRuntime : IRuntime
{
    /// <summary>How long the other node may take to come back.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Being away this long is said.</summary>
    private static readonly TimeSpan QuietFor = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan TryAgain = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(2);

    /// <summary>Commands that wait for the runtime; what is more is lost, as it would be with a process that does not read.</summary>
    private const int MaximumWaiting = 1_000;

    private readonly ICluster _cluster;
    private readonly NodeStreams _streams;
    private readonly RelayedProcess _process;
    private readonly RuntimeRequest _request;
    private readonly RelayListener _listener;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly Queue<RuntimeCommand> _waiting = new();
    private readonly Task _loop;
    private RuntimeConnection? _connection;
    private long _last;
    private bool _away;

    public RelayedRuntime(
        ICluster cluster,
        NodeStreams streams,
        RelayedProcess process,
        RuntimeRequest request,
        RelayListener listener,
        TimeProvider time,
        ILogger logger
    )
    {
        (_cluster, _streams, _process, _request, _listener, _time, _logger) = (cluster, streams, process, request, listener, time, logger);
        _last = process.LastReport;
        _loop = Task.Run(HoldAsync);
    }

    public string Id => _process.Id;

    public int Pid => _process.Pid;

    public string Framework => _process.Framework;

    public void Send(RuntimeCommand command)
    {
        lock (_lock)
        {
            if (_connection is { } connection)
                connection.Send(command);
            else if (_waiting.Count < MaximumWaiting)
                _waiting.Enqueue(command);
        }
    }

    public async Task StopAsync()
    {
        Send(new RuntimeCommand.Shutdown());
        await Task.WhenAny(_loop, Task.Delay(StopPatience, _time));
        await _stop.CancelAsync();
        await _loop;
    }

    public void Detach() => _stop.Cancel();

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task HoldAsync()
    {
        try
        {
            if (await ServeAsync() is { } reason && !_stop.IsCancellationRequested)
            {
                LogGone(_logger, Id, _process.Node, reason);
                _listener.OnDown(reason);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Left to another owner, or stopped.
        }
    }

    /// <summary>One connection after the other; the result says why there will be no more.</summary>
    private async Task<string?> ServeAsync()
    {
        var lostAt = _time.GetTimestamp();
        while (true)
        {
            var (stream, reason) = await OpenAsync(lostAt);
            if (stream is null)
                return reason;
            var openedAt = _time.GetTimestamp();
            await using var connection = new RuntimeConnection(stream, _time);
            Begin(connection);
            var broken = await ReadAsync(connection);
            lock (_lock)
                _connection = null;
            if (broken is not null)
                return broken;
            _stop.Token.ThrowIfCancellationRequested();
            // A connection that ends at once is no sign of life.
            if (_time.GetElapsedTime(openedAt) > TryAgain)
                lostAt = _time.GetTimestamp();
            await Task.Delay(TryAgain, _time, _stop.Token);
        }
    }

    private async Task<(Stream? Stream, string? Reason)> OpenAsync(long lostAt)
    {
        while (true)
        {
            try
            {
                var call = new RuntimeCall(_request.Session, Id, _request.Epoch, _last);
                return (await _streams.OpenAsync(_process.Node, JsonSerializer.SerializeToUtf8Bytes(call, RelayJson.Default.RuntimeCall), _stop.Token), null);
            }
            catch (RemoteException error) when (error.Message == RuntimeCall.Gone)
            {
                return (null, $"{RuntimeCall.Gone} It was on {_process.Node}.");
            }
            catch (Exception error) when (error is NodeUnreachableException or RemoteException)
            {
                var lost = _time.GetElapsedTime(lostAt);
                if (lost > Patience)
                    return (null, $"The runtime was on {_process.Node}, which did not come back within {Patience.TotalSeconds:0} s.");
                if (lost > QuietFor)
                    Away(true);
                await Task.Delay(TryAgain, _time, _stop.Token);
            }
        }
    }

    private void Begin(RuntimeConnection connection)
    {
        lock (_lock)
        {
            while (_waiting.TryDequeue(out var command))
                connection.Send(command);
            _connection = connection;
        }
        Away(false);
        LogHeld(_logger, Id, _process.Node);
        // What was sent just before the connection broke may be lost: the session sends again what runs.
        _listener.OnAway(null);
    }

    private async Task<string?> ReadAsync(RuntimeConnection connection)
    {
        await using var stopping = _stop.Token.Register(() => _ = connection.FinishAsync());
        return await connection.ReadAsync(
            _last,
            async frame =>
            {
                await _listener.OnReport(frame);
                _last = frame.Sequence;
            }
        );
    }

    private void Away(bool away)
    {
        if (_away == away)
            return;
        _away = away;
        if (away)
            _listener.OnAway(
                $"The runtime is on {_process.Node}, which is away. If it is back within {Patience.TotalSeconds:0} s, everything goes on with its variables."
            );
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "runtime {Runtime} is held through {Node}")]
    private static partial void LogHeld(ILogger logger, string runtime, string node);

    [LoggerMessage(Level = LogLevel.Warning, Message = "runtime {Runtime} on {Node} is gone: {Reason}")]
    private static partial void LogGone(ILogger logger, string runtime, string node, string reason);
}
