using System.Collections.Immutable;
using System.Security.Cryptography;
using Livebook.Cluster;
using Livebook.Core.Imports;
using Livebook.Core.LiveMarkdown;
using Livebook.Core.Sessions;
using Livebook.Protocol;
using Livebook.Server.Files;
using Livebook.Server.Runtimes;
using Livebook.Server.Runtimes.Relay;
using Livebook.Server.Settings;

namespace Livebook.Server.Sessions;

/// <summary>Carries out what a session's rules decided, and reports back as operations. <see cref="Carry"/> is called by the session's loop only and never waits.</summary>
internal sealed class SessionEffects(SessionActor actor, SessionServices services) : IAsyncDisposable
{
    private static readonly TimeSpan DiagnoseDelay = TimeSpan.FromMilliseconds(200);

    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<string, ITimer> _diagnoses = [];
    private readonly HashSet<Task> _running = [];
    private readonly RuntimeSlot _runtime = new();
    private readonly SemaphoreSlim _placing = new(1);

    /// <summary>Where the present runtime's code runs.</summary>
    private string? _runtimeDirectory;
    private readonly EvaluationLog _evaluationLog = new(services.Logs);
    private readonly Lock _environmentLock = new();
    private ImmutableSortedDictionary<string, string>? _environment;
    private ITimer? _autosave;

    public void Carry(Effect effect)
    {
        switch (effect)
        {
            case Effect.StartRuntime(var start):
                _runtime.Expect(start);
                Run(StartRuntimeAsync(start));
                break;
            case Effect.StopRuntime:
                Run(StopRuntimeAsync(_runtime.Clear()));
                break;
            case Effect.UpdateEnvironment:
                UpdateEnvironment();
                break;
            case Effect.StartEvaluation(var cell, var evaluation, var language, var source, var path, var flow):
                _evaluationLog.Write(source, actor.UserNames);
                Send(new RuntimeCommand.Evaluate(cell, evaluation, language, source, path, flow));
                break;
            case Effect.StopEvaluation(var cell, var evaluation):
                Send(new RuntimeCommand.Cancel(cell, evaluation));
                break;
            case Effect.ForgetEvaluation(var cell):
                Send(new RuntimeCommand.Forget(cell));
                break;
            case Effect.Diagnose(var cell):
                DiagnoseSoon(cell);
                break;
            case Effect.ScheduleAutosave(var seconds):
                _autosave?.Dispose();
                _autosave = services.Time.CreateTimer(
                    _ => actor.Tell(new SystemOperation.AutosaveDue()),
                    null,
                    TimeSpan.FromSeconds(seconds),
                    Timeout.InfiniteTimeSpan
                );
                break;
            case Effect.SaveFile(var overwrite):
                Run(SaveAsync(overwrite));
                break;
            case Effect.ReloadFile:
                Run(ReloadAsync());
                break;
            case Effect.KeepBoth:
                Run(KeepBothAsync());
                break;
            case Effect.ReleaseFile(var node, var path):
                Run(services.Files.ReleaseAsync(node, path, actor.Id, _stop.Token));
                break;
            case Effect.PlaceAttachments:
                Run(PlaceAttachmentsAsync(_stop.Token));
                break;
            case Effect.RemoveAttachment(var name, var hash):
                Run(RemoveAttachmentAsync(name, hash));
                break;
        }
    }

    /// <summary>Keeps a task in view until it has ended. Its failures are its own: they have become operations, or nobody waits for them any more.</summary>
    private void Run(Task task)
    {
        lock (_running)
            _running.Add(task);
        _ = task.ContinueWith(
            done =>
            {
                lock (_running)
                    _running.Remove(done);
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default
        );
    }

    private RuntimeRequest Request()
    {
        var path = actor.State.File is { Node: { } node, Path: { } file } && node == services.Cluster.Self ? file : null;
        _runtimeDirectory = WorkingDirectory();
        return new RuntimeRequest(actor.Id, actor.Epoch, _runtimeDirectory, path, EnvironmentNow());
    }

    /// <summary>Where code runs: beside the notebook, or in a directory of the session.</summary>
    private string WorkingDirectory()
    {
        var path = actor.State.File is { Node: { } node, Path: { } file } && node == services.Cluster.Self ? file : null;
        var directory = path is not null ? Path.GetDirectoryName(path) : actor.State.Directory;
        if (directory is null || !Directory.Exists(directory))
        {
            directory = Path.Combine(services.DataPath, "sessions", actor.Id);
            Directory.CreateDirectory(directory);
        }
        return directory;
    }

    /// <summary>Where <c>files/</c> is: beside the notebook's file first, and where code runs.</summary>
    private (string Node, string Directory)[] Places()
    {
        var self = services.Cluster.Self;
        var saved = actor.State.File is { Node: { } node, Path: { } path } ? (node, Path.GetDirectoryName(path)!) : (self, WorkingDirectory());
        // Code stays where it was started, also when the notebook has got another file since.
        return [.. new[] { saved, (self, _runtimeDirectory ?? WorkingDirectory()) }.Distinct()];
    }

    /// <summary>The same, in the background.</summary>
    public void BeginPlacing() => Run(PlaceAttachmentsAsync(_stop.Token));

    /// <summary>Brings <c>files/</c> in line with the session. What cannot be written is logged.</summary>
    public async Task PlaceAttachmentsAsync(CancellationToken stop)
    {
        await _placing.WaitAsync(stop);
        try
        {
            await services.Attachments.PlaceAsync(actor, Places(), stop);
        }
        finally
        {
            _placing.Release();
        }
    }

    private async Task RemoveAttachmentAsync(string name, string hash)
    {
        await _placing.WaitAsync(_stop.Token);
        try
        {
            await services.Attachments.RemoveAsync(actor, name, hash, Places(), _stop.Token);
        }
        finally
        {
            _placing.Release();
        }
    }

    private ImmutableSortedDictionary<string, string> EnvironmentNow() =>
        CodeEnvironment.Of(services.Settings, actor.State, Environment.GetEnvironmentVariable("PATH"));

    /// <summary>Gives the runtime the variables of now, if they differ from what it has. May be called on any thread.</summary>
    public void UpdateEnvironment()
    {
        lock (_environmentLock)
        {
            var now = EnvironmentNow();
            if (_runtime.Present is not { } runtime || (_environment is { } had && had.SequenceEqual(now)))
                return;
            _environment = now;
            runtime.Send(new RuntimeCommand.SetEnvironment(now));
        }
    }

    /// <summary>A runtime came that has these variables, or (null) unknown ones; they may have changed while it started.</summary>
    private void EnvironmentIs(ImmutableSortedDictionary<string, string>? variables)
    {
        lock (_environmentLock)
            _environment = variables;
        UpdateEnvironment();
    }

    private void Send(RuntimeCommand command) => _runtime.Present?.Send(command);

    private async Task StartRuntimeAsync(int start)
    {
        // Reports, and word of the runtime's end, wait until the session knows the runtime.
        var known = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        IRuntime? runtime = null;
        try
        {
            var request = Request();
            if (!actor.State.Attachments.IsEmpty)
                await PlaceAttachmentsAsync(_stop.Token);
            runtime = await services.Runtimes.StartAsync(
                request,
                async frame => await ReportAsync(await known.Task, frame),
                reason => Run(TellDownAsync(known.Task, reason)),
                _stop.Token
            );
            if (_runtime.Take(runtime, start))
            {
                EnvironmentIs(request.Environment);
                var connected = new RuntimeOperation.Connected(runtime.Id, services.Cluster.Self, runtime.Pid, runtime.Framework, start);
                if ((await actor.SubmitAsync(connected, default)).Error is null)
                    return;
                _runtime.Drop(runtime);
            }
            known.SetResult(runtime.Id);
            await runtime.StopAsync();
        }
        catch (Exception error) when (error is RuntimeStartException or IOException or UnauthorizedAccessException)
        {
            actor.Tell(new RuntimeOperation.StartFailed(start, error.Message));
        }
        catch (OperationCanceledException) { }
        finally
        {
            known.TrySetResult(runtime?.Id ?? "");
        }
    }

    private async Task TellDownAsync(Task<string> runtime, string reason) => actor.Tell(new RuntimeOperation.Down(await runtime, reason));

    /// <summary>
    /// Looks for the session's runtime: on this machine, where it outlived the last server, or on the node that has it. True when it was found, or when
    /// that node passes it on as soon as it can.
    /// </summary>
    public async Task<bool> AdoptRuntimeAsync(OwnershipReason reason, CancellationToken stop)
    {
        var runtime = actor.State.Runtime;
        if (runtime.Status != "connected" || runtime.Id is not { } id || runtime.Node is not { } node)
            return false;
        if (node != services.Cluster.Self)
        {
            // Whoever handed the session over is about to restart. A node that died takes its runtimes with it, as far as anybody knows.
            if (reason != OwnershipReason.Handover && services.Cluster.Members.All(member => member.Name != node))
                return false;
            _runtime.Expect(runtime.Start);
            return _runtime.Take(
                services.Relay.Hold(
                    new RelayedProcess(node, id, runtime.Pid ?? 0, runtime.Framework ?? "", runtime.LastReport),
                    Request(),
                    new RelayListener(
                        frame => ReportAsync(id, frame),
                        why => actor.Tell(new RuntimeOperation.Down(id, why)),
                        why => actor.Tell(new RuntimeOperation.Away(id, why))
                    )
                ),
                runtime.Start
            );
        }
        var adopted = await services.Runtimes.AdoptAsync(
            Request(),
            id,
            runtime.LastReport,
            frame => ReportAsync(id, frame),
            reason => actor.Tell(new RuntimeOperation.Down(id, reason)),
            stop
        );
        if (adopted is null)
            return false;
        _runtime.Expect(runtime.Start);
        if (!_runtime.Take(adopted, runtime.Start))
            return false;
        EnvironmentIs(null);
        return true;
    }

    /// <summary>Locks the session's file again when it is on this machine: the lock was the last server's. Who has it meanwhile is said by the next save.</summary>
    public async Task HoldFileAsync(CancellationToken stop)
    {
        if (actor.State.File is not { Node: { } node, Path: { } path } || node != services.Cluster.Self)
            return;
        try
        {
            await services.Files.OpenAsync(node, path, actor.Id, long.MaxValue, stop);
        }
        catch (FileSaveException) { }
    }

    /// <summary>Completes when the report is in the log: then the runtime may forget it, and the next one comes.</summary>
    private async Task ReportAsync(string runtime, ReportFrame frame)
    {
        if (frame.Report is RuntimeReport.Ready or RuntimeReport.Log)
            return;
        var reply = await actor.SubmitAsync(new RuntimeOperation.Reported(runtime, frame.Sequence, frame.Report), default);
        if (frame.Report is RuntimeReport.Finished finished && reply.Error is null)
            services.Metrics.Evaluated(actor.Id, finished.Cell, finished.Status.ToString().ToLowerInvariant(), finished.DurationMs);
    }

    private static async Task StopRuntimeAsync(IRuntime? runtime)
    {
        if (runtime is not null)
            await runtime.StopAsync();
    }

    private void DiagnoseSoon(string cell)
    {
        if (_runtime.Present is null)
            return;
        if (_diagnoses.TryGetValue(cell, out var timer))
        {
            timer.Change(DiagnoseDelay, Timeout.InfiniteTimeSpan);
            return;
        }
        _diagnoses[cell] = services.Time.CreateTimer(_ => Diagnose(cell), null, DiagnoseDelay, Timeout.InfiniteTimeSpan);
    }

    private void Diagnose(string cell)
    {
        if (EvaluationQueries.Diagnosis(actor.State, cell) is { } command)
            Send(command);
    }

    private async Task SaveAsync(bool overwrite)
    {
        var state = actor.State;
        if (state.File is not { Node: { } node, Path: { } path } file)
            return;
        try
        {
            var content = LiveMarkdownWriter.WriteBytes(SessionNotebook.WithOutputs(state));
            var hash = Convert.ToHexStringLower(SHA256.HashData(content));
            await actor.SubmitAsync(new SystemOperation.Saving(hash), default);
            var version = await services.Files.SaveAsync(node, path, actor.Id, content, file.Version, file.Attempt, overwrite, _stop.Token);
            actor.Tell(new SystemOperation.Saved(node, path, state.ContentRevision, version));
        }
        catch (FileSaveException error)
        {
            actor.Tell(new SystemOperation.SaveFailed(error.Kind, error.Message));
        }
        catch (OperationCanceledException) { }
    }

    private async Task ReloadAsync()
    {
        if (actor.State.File is not { Node: { } node, Path: { } path })
            return;
        try
        {
            var opened = await services.Files.OpenAsync(node, path, actor.Id, services.Limits.NotebookBytes, _stop.Token);
            if (opened is not { Content: { } content, Version: { } version })
                throw new FileSaveException("changed_outside", $"{path} is not there any more. Overwrite it to write it anew.");
            var read = NotebookReading.Read(path, content, version.Hash);
            actor.Tell(new SystemOperation.FileReloaded(read.Notebook, version));
        }
        catch (FileSaveException error)
        {
            actor.Tell(new SystemOperation.SaveFailed(error.Kind, error.Message));
        }
        catch (OperationCanceledException) { }
    }

    private async Task KeepBothAsync()
    {
        if (actor.State.File is not { Node: { } node, Path: { } path })
            return;
        try
        {
            var free = await services.Files.OpenFreeNameAsync(node, path, actor.Id, _stop.Token);
            actor.Tell(new SystemOperation.FileAttached(node, free, null));
        }
        catch (FileSaveException error)
        {
            actor.Tell(new SystemOperation.SaveFailed(error.Kind, error.Message));
        }
        catch (OperationCanceledException) { }
    }

    /// <summary>Locks a file for the session and saves to it from now on.</summary>
    public async Task<AttachReply> AttachAsync(SessionRequest.Attach attach, CancellationToken stop)
    {
        var current = actor.State.File;
        try
        {
            var opened = await services.Files.OpenAsync(attach.Node, attach.Path, actor.Id, long.MaxValue, stop);
            var ours = current.Node == attach.Node && current.Path == opened.Path;
            if (opened.Version is not null && !attach.Overwrite && !ours)
            {
                await services.Files.ReleaseAsync(attach.Node, opened.Path, actor.Id, stop);
                return new AttachReply("exists", $"There is a file {opened.Path} already.", null);
            }
            await actor.SubmitAsync(new SystemOperation.FileAttached(attach.Node, opened.Path, opened.Version), default);
            return new AttachReply(null, null, null);
        }
        catch (FileSaveException error)
        {
            return new AttachReply(error.Kind, error.Message, error.InUseBy);
        }
    }

    /// <summary>Leaves the runtime running, for the session's next owner.</summary>
    public void LeaveRuntime() => _runtime.Clear()?.Detach();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _autosave?.Dispose();
        foreach (var timer in _diagnoses.Values)
            await timer.DisposeAsync();
        await StopRuntimeAsync(_runtime.Clear());
        Task[] running;
        lock (_running)
            running = [.. _running];
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }
}
