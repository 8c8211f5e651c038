using Livebook.Protocol;
using Microsoft.Extensions.Logging;

namespace Livebook.Server.Runtimes;

/// <summary>A running runtime with its connection: a spare until it is assigned, then a session's.</summary>
internal sealed class RuntimeProcess : IRuntime
{
    /// <summary>How long the end of the process and the end of its connection may lie apart.</summary>
    private static readonly TimeSpan EndTogether = TimeSpan.FromSeconds(2);

    /// <summary>First protocol with <see cref="RuntimeCommand.SetEnvironment"/>.</summary>
    private const int EnvironmentProtocol = 2;

    private readonly RuntimeContext _context;
    private readonly RuntimeConnection _connection;
    private readonly ChildProcess? _child;
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource<Func<ReportFrame, Task>> _onReport = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<RuntimeReport.Ready> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private RuntimeRecord _record;
    private Action<string>? _onDown;
    private string? _stopReason;
    private bool _isDown;
    private bool _detached;

    /// <param name="child">Null for a process that an earlier server started.</param>
    /// <param name="last">Sequence of the last report that is known.</param>
    public RuntimeProcess(RuntimeContext context, RuntimeRecord record, RuntimeConnection connection, ChildProcess? child, long last)
    {
        _context = context;
        _record = record;
        _connection = connection;
        _child = child;
        Id = record.Id;
        Pid = record.Pid;
        connection.Send(new RuntimeCommand.Hello(record.Key, Frames.ProtocolMin, Frames.ProtocolMax, last));
        _ = SuperviseAsync(last);
    }

    public string Id { get; }

    public int Pid { get; }

    public string Framework => _record.Framework;

    public string? Session => _record.Session;

    /// <summary>The first report.</summary>
    public Task<RuntimeReport.Ready> Ready => _ready.Task;

    /// <summary>Completes when the process is gone and tidied up, or was left to another server.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Makes it a session's. False when it is down already; then neither callback is ever called.</summary>
    public bool Assign(RuntimeRequest request, Func<ReportFrame, Task> onReport, Action<string> onDown, bool adopted)
    {
        lock (_gate)
        {
            if (_isDown)
                return false;
            _record = _record with { Session = request.Session, Epoch = request.Epoch };
            _context.Folder.Write(_record);
            _onDown = onDown;
        }
        if (!adopted)
            _connection.Send(new RuntimeCommand.Assign(request.Session, request.Epoch, request.Directory, request.Environment, request.NotebookPath));
        _onReport.TrySetResult(onReport);
        return true;
    }

    public void Send(RuntimeCommand command)
    {
        // An older runtime, adopted after an update of the server, keeps its variables until it is started anew.
        if (command is not RuntimeCommand.SetEnvironment || _record.Protocol >= EnvironmentProtocol)
            _connection.Send(command);
    }

    public async Task StopAsync()
    {
        lock (_gate)
        {
            if (_detached)
                return;
            _stopReason ??= "The runtime was stopped.";
        }
        _connection.Send(new RuntimeCommand.Shutdown());
        await Task.WhenAny(_ended.Task, Task.Delay(_context.Options.StopTimeout, _context.Time));
        await KillAsync("The runtime was stopped.");
    }

    /// <summary>Kills the process and its children at once.</summary>
    public async Task KillAsync(string reason)
    {
        lock (_gate)
            _stopReason ??= reason;
        Kill();
        await _connection.DisposeAsync();
        await _ended.Task;
    }

    public void Detach()
    {
        lock (_gate)
        {
            if (_isDown || _stopReason is not null)
                return;
            _detached = true;
        }
        _ = _connection.FinishAsync();
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task SuperviseAsync(long last)
    {
        string? broken = null;
        try
        {
            var reading = _connection.ReadAsync(last, DeliverAsync);
            var exited = ExitAsync();
            var first = await Task.WhenAny(reading, exited);
            // A spare's reports wait for a session that will not come.
            if (!_detached && (first == reading || _onReport.Task.IsCompleted))
                await Task.WhenAny(first == reading ? exited : reading, Task.Delay(EndTogether, _context.Time));
            broken = reading.IsCompletedSuccessfully ? await reading : null;
            if (reading.IsFaulted)
                _context.Log.LogError(reading.Exception, "a report of runtime {Runtime} could not be delivered", Id);
        }
        finally
        {
            await EndAsync(broken);
        }
    }

    private async Task EndAsync(string? broken)
    {
        await _connection.DisposeAsync();
        Action<string>? onDown;
        lock (_gate)
        {
            if (_detached)
            {
                _ended.TrySetResult();
                return;
            }
            _isDown = true;
            onDown = _onDown;
        }
        var ended = HasExited;
        Kill();
        _context.Folder.Remove(Id, _record.Socket);
        var reason = _stopReason ?? broken ?? (ended ? ChildProcess.Words(_child?.ExitCode) : "The runtime closed its connection and was ended.");
        if (_stopReason is null)
            _context.Log.LogWarning("runtime {Runtime} is gone: {Reason} Its last words: {Words}", Id, reason, _child?.LastWords ?? "");
        _child?.Dispose();
        _ready.TrySetException(new RuntimeStartException(reason));
        _ = _ready.Task.Exception;
        _ended.TrySetResult();
        onDown?.Invoke(reason);
    }

    private async Task DeliverAsync(ReportFrame frame)
    {
        if (frame.Report is RuntimeReport.Ready ready && !_ready.Task.IsCompleted)
        {
            _record = _record with { Framework = ready.Framework, Protocol = ready.Protocol };
            _ready.TrySetResult(ready);
        }
        if (frame.Report is RuntimeReport.Log(var text))
            _context.Log.LogInformation("runtime {Runtime}: {Text}", Id, text);
        var onReport = await Task.WhenAny(_onReport.Task, _ended.Task) == _onReport.Task ? await _onReport.Task : null;
        if (onReport is not null)
            await onReport(frame);
    }

    private bool HasExited => _child?.Exited.IsCompleted ?? !_record.IsAlive;

    private async Task ExitAsync()
    {
        if (_child is not null)
        {
            await _child.Exited;
            return;
        }
        while (_record.IsAlive && !_ended.Task.IsCompleted)
            await Task.Delay(TimeSpan.FromMilliseconds(100), _context.Time);
    }

    /// <summary>The group is killed also when its leader has ended: children may be left.</summary>
    private void Kill()
    {
        ProcessTree.KillGroup(Pid);
        if (_record.IsAlive)
            ProcessTree.KillOne(Pid);
    }
}

/// <summary>What all runtimes of a server share.</summary>
internal sealed record RuntimeContext(RuntimeOptions Options, RuntimeFolder Folder, TimeProvider Time, ILogger Log);
