using System.Collections.Immutable;
using System.Diagnostics;
using System.Threading.Channels;
using Livebook.Cluster;
using Livebook.Core.Sessions;
using Livebook.Core.Views;
using Livebook.Core.Wire;
using Microsoft.Extensions.Logging;

namespace Livebook.Server.Sessions;

/// <summary>
/// Owns one session: the only writer of its state, the only reader of its mailbox. Takes what waits there as one batch:
/// rules, then the log (safe on the standby or on disk), then viewers and askers, then effects.
/// </summary>
internal sealed partial class SessionActor : IAsyncDisposable
{
    /// <summary>Messages taken at once: they share one append and one patch.</summary>
    private const int BatchSize = 256;

    /// <summary>A snapshot replaces the log after this many entries or bytes.</summary>
    private const int CompactEntries = 1_000;
    private const long CompactBytes = 8L * 1024 * 1024;

    private static readonly TimeSpan InfoInterval = TimeSpan.FromMilliseconds(150);

    private readonly Channel<Mail> _mailbox = Channel.CreateUnbounded<Mail>(new UnboundedChannelOptions { SingleReader = true });
    private readonly IOwnedLog _log;
    private readonly SessionServices _services;
    private readonly SessionEffects _effects;
    private readonly SessionViewers _viewers;
    private readonly CancellationTokenSource _stop = new();
    private readonly ILogger _logger;
    private Task _loop = Task.CompletedTask;
    private SessionState _state;
    private SessionView _view;
    private long _entriesSinceSnapshot;
    private long _bytesSinceSnapshot;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _infoDue;
    private volatile bool _closing;
    private int _pending;

    /// <param name="events">What happened before, for those who resume; null = nothing that is known.</param>
    public SessionActor(SessionState state, IOwnedLog log, SessionServices services, EventRing? events = null)
    {
        _state = state;
        Events = events ?? new EventRing(state.Version);
        _view = SessionProjection.View(state);
        _log = log;
        _services = services;
        _logger = services.Logs.CreateLogger<SessionActor>();
        _viewers = new SessionViewers(state.Id, log, services);
        _effects = new SessionEffects(this, services);
    }

    /// <summary>The last state that is safe in the log.</summary>
    public SessionState State => _state;

    public string Id => _state.Id;

    public long Epoch => _log.Epoch;

    public string? Standby => _log.Standby;

    /// <summary>Names of those who look at the session. For the session's loop only.</summary>
    public IEnumerable<string> UserNames => _viewers.UserNames;

    /// <summary>Operations that are on their way to the standby or the disk.</summary>
    public int Pending => Volatile.Read(ref _pending);

    public SessionEffects Effects => _effects;

    /// <summary>The last events, for programs that follow the session.</summary>
    public EventRing Events { get; }

    /// <summary>Begins to serve.</summary>
    /// <param name="first">Operations that come before everything in the mailbox.</param>
    public void Start(params IReadOnlyList<Operation> first)
    {
        foreach (var operation in first)
            Tell(operation);
        PublishInfo();
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Drops an operation of the system or a runtime in the mailbox.</summary>
    public void Tell(Operation operation) => _mailbox.Writer.TryWrite(new Mail.Operate(operation, default, null));

    /// <summary>The same; completes when the operation is safe in the log or refused.</summary>
    public async Task<SubmitReply> SubmitAsync(Operation operation, Asker asker)
    {
        var done = new TaskCompletionSource<SubmitReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_mailbox.Writer.TryWrite(new Mail.Operate(operation, asker, done.SetResult)))
            throw new SessionEndedException(null);
        return await UntilEndedAsync(done.Task);
    }

    /// <exception cref="SessionEndedException">This node does not serve the session any more.</exception>
    private async Task<T> UntilEndedAsync<T>(Task<T> task)
    {
        try
        {
            return await task.WaitAsync(_stop.Token);
        }
        catch (OperationCanceledException error) when (_stop.IsCancellationRequested)
        {
            throw new SessionEndedException(error);
        }
    }

    /// <summary>An operation of a page, on its stream.</summary>
    public void Post(string node, SubmitEnvelope envelope) => _mailbox.Writer.TryWrite(new Mail.FromPage(node, envelope));

    /// <summary>A page wants the session; answers with the bytes of <see cref="ServerMessage.Joined"/>.</summary>
    /// <exception cref="SessionEndedException">This node does not serve the session any more.</exception>
    public async Task<OwnerReply> JoinAsync(string node, SessionRequest.Join join)
    {
        var done = new TaskCompletionSource<OwnerReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        Look(() =>
        {
            done.SetResult(OwnerReply.Ok(_viewers.Join(node, join, _state, _view), _log.Epoch, _state.Version));
            PublishInfoSoon();
        });
        return await UntilEndedAsync(done.Task);
    }

    public void Presence(PresenceEnvelope envelope) =>
        Look(() =>
        {
            if (_viewers.Presence(envelope, _state))
                PublishInfoSoon();
        });

    /// <summary>Forgets the pages of nodes that are gone.</summary>
    public void KeepNodes(Func<string, bool> present) =>
        Look(() =>
        {
            if (_viewers.KeepNodes(present))
                PublishInfoSoon();
        });

    /// <summary>Does something between two batches, where state and viewers agree.</summary>
    private void Look(Action act) => _mailbox.Writer.TryWrite(new Mail.Look(act));

    /// <summary>Completes when the condition holds for the state.</summary>
    /// <exception cref="SessionEndedException">This node does not serve the session any more.</exception>
    public async Task WaitAsync(Func<SessionState, bool> condition, CancellationToken stop)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, _stop.Token);
        try
        {
            while (true)
            {
                var changed = Volatile.Read(ref _changed).Task;
                if (condition(_state))
                    return;
                await changed.WaitAsync(either.Token);
            }
        }
        catch (OperationCanceledException error) when (_stop.IsCancellationRequested)
        {
            throw new SessionEndedException(error);
        }
    }

    /// <summary>Writes the file if it does not hold the present content. Null when there is nothing left to write, else why it could not be written.</summary>
    public async Task<string?> SaveBeforeCloseAsync(CancellationToken stop)
    {
        if (_state.File.State is "none" or "saved")
            return null;
        if (_state.File.State != "saving" && (await SubmitAsync(new ClientOperation.Save(), default)).Error is { } reason)
            return reason;
        await WaitAsync(state => state.File.State != "saving", stop);
        return _state.File.State is "saved" or "none" ? null : _state.File.Message ?? "the file could not be saved";
    }

    /// <summary>A fresh actor that goes on from the last safe state.</summary>
    public SessionActor Successor() => new(_state, _log, _services, Events);

    /// <summary>Tells every page that the session is closed.</summary>
    public void SayGone(string reason) => _viewers.Gone(reason);

    private async Task RunAsync()
    {
        try
        {
            var batch = new List<Mail>();
            while (await _mailbox.Reader.WaitToReadAsync(_stop.Token))
            {
                batch.Clear();
                while (batch.Count < BatchSize && _mailbox.Reader.TryRead(out var mail))
                    batch.Add(mail);
                await TakeAsync(batch);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested) { }
        catch (OwnershipLostException error)
        {
            // What still comes in while the session is closed has nowhere to go.
            if (!_closing)
                LogLost(_logger, Id, error.Message);
            await _stop.CancelAsync();
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // Must not take other sessions with it: pages join again and get the state as it is in the log.
            LogFault(_logger, Id, error);
            _services.Faulted(this);
        }
    }

    private async Task TakeAsync(List<Mail> batch)
    {
        var state = _state;
        var entries = new List<ReadOnlyMemory<byte>>();
        var effects = new List<Effect>();
        var text = ImmutableArray.CreateBuilder<StreamEntry>();
        var answers = new List<(Action<SubmitReply> Answer, SubmitReply Reply, bool Stored)>();
        foreach (var mail in batch)
        {
            if (OperationOf(mail) is not var (operation, asker, answer))
                continue;
            var stamp = new Stamp(_services.Time.GetUtcNow(), asker.Client, asker.User, asker.Ref, asker.Key);
            var outcome = operation is ClientOperation && _services.WriteRefusal() is { } full ? new Outcome.Rejected(full) : Apply(state, operation, stamp);
            if (outcome is Outcome.Accepted accepted)
            {
                state = accepted.State;
                entries.Add(SessionLog.Entry(operation, stamp));
                effects.AddRange(accepted.Effects);
                text.AddRange(accepted.Text);
            }
            if (answer is not null)
                answers.Add((answer, ReplyTo(outcome, state), outcome is not Outcome.Rejected));
        }

        if (entries.Count > 0)
        {
            try
            {
                Volatile.Write(ref _pending, entries.Count);
                var began = Stopwatch.GetTimestamp();
                await _log.AppendAsync(entries, _stop.Token);
                _services.Metrics.Replicated(entries.Count, Stopwatch.GetElapsedTime(began));
            }
            catch (IOException error)
            {
                // Not stored, so it did not happen: everybody who asked hears it, and may ask again.
                LogRefusedByDisk(_logger, Id, error.Message);
                var refusal = $"Nothing was changed: the server's disk refused the write ({error.Message}). Make room at LIVEBOOK_DATA_PATH and try again.";
                foreach (var (answer, reply, stored) in answers)
                    answer(stored ? reply with { Error = refusal } : reply);
                return;
            }
            finally
            {
                Volatile.Write(ref _pending, 0);
            }
            Publish(state, text.ToImmutable());
        }
        foreach (var (answer, reply, _) in answers)
            answer(reply);
        // What only looks at the session sees the state behind this batch.
        foreach (var look in batch.OfType<Mail.Look>())
            look.Act();
        foreach (var effect in effects)
            _effects.Carry(effect);
        if (entries.Count > 0)
            await CompactAsync(entries);
    }

    /// <summary>A rule that fails refuses its operation: it is sent again by whoever asked, and would fail again.</summary>
    private Outcome Apply(SessionState state, Operation operation, Stamp stamp)
    {
        try
        {
            return SessionReducer.Apply(state, operation, stamp);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            LogRuleFailed(_logger, Id, operation.GetType().Name, error);
            return new Outcome.Rejected("This could not be done because of an error in the server; nothing was changed. The server's log says more.");
        }
    }

    private (Operation, Asker, Action<SubmitReply>?)? OperationOf(Mail mail)
    {
        switch (mail)
        {
            case Mail.Operate(var operation, var asker, var answer):
                return (operation, asker, answer);
            case Mail.FromPage(var node, var envelope) when _viewers.InOrder(node, envelope):
                return (envelope.Operation, new Asker(envelope.Client, envelope.User, envelope.Ref, null), reply => _viewers.Answer(node, envelope, reply));
            default:
                return null;
        }
    }

    private static SubmitReply ReplyTo(Outcome outcome, SessionState state) =>
        outcome switch
        {
            Outcome.Accepted accepted => new SubmitReply(state.Version, accepted.Resource, null),
            Outcome.Repeated(var version, var resource) => new SubmitReply(version, resource, null),
            Outcome.Rejected(var reason) => new SubmitReply(state.Version, null, reason),
            _ => throw new UnreachableException(),
        };

    private void Publish(SessionState state, ImmutableArray<StreamEntry> text)
    {
        var view = SessionProjection.View(state, _state, _view);
        _viewers.Publish(_state.Version, state.Version, _view, view, text);
        Events.Add(state.Version, SessionEvents.Between(_view, view, text, state.Version));
        _state = state;
        _view = view;
        Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        PublishInfoSoon();
    }

    /// <summary>What lists show may lag a little: making it walks over every cell.</summary>
    private void PublishInfoSoon()
    {
        if (Interlocked.Exchange(ref _infoDue, 1) == 0)
            _ = PublishInfoLaterAsync();
    }

    private async Task PublishInfoLaterAsync()
    {
        await Task.Delay(InfoInterval, _services.Time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Look(() =>
        {
            Volatile.Write(ref _infoDue, 0);
            PublishInfo();
        });
    }

    private void PublishInfo() => _log.SetInfo(Channels.Pack(Summary(), SessionJson.Default.SessionSummary));

    /// <summary>What lists show of the session.</summary>
    public SessionSummary Summary()
    {
        var cells = _view.Cells.Values;
        return new SessionSummary(
            Id,
            _view.Name,
            _view.File.Path,
            _state.Version,
            _services.Cluster.Self,
            _log.Standby,
            _log.Epoch,
            _state.CreatedAt,
            _viewers.Count,
            _view.Runtime.Status,
            _view.Runtime.MemoryBytes,
            cells.Count(cell => cell.Status == "evaluating"),
            cells.Count(cell => cell.Status == "queued"),
            cells.Count(cell => cell.Validity == "stale"),
            cells.Count(cell => cell.Errored),
            cells.Count(cell => cell.Validity == "evaluated")
        );
    }

    private async Task CompactAsync(List<ReadOnlyMemory<byte>> entries)
    {
        _entriesSinceSnapshot += entries.Count;
        _bytesSinceSnapshot += entries.Sum(entry => (long)entry.Length);
        if (_entriesSinceSnapshot < CompactEntries && _bytesSinceSnapshot < CompactBytes)
            return;
        _entriesSinceSnapshot = 0;
        _bytesSinceSnapshot = 0;
        await _log.CompactAsync(SessionLog.Snapshot(_state), _stop.Token);
    }

    /// <summary>Removes the session's log everywhere.</summary>
    public Task DeleteAsync(CancellationToken stop)
    {
        _closing = true;
        return _log.DeleteAsync(stop);
    }

    public async ValueTask DisposeAsync()
    {
        _mailbox.Writer.TryComplete();
        await _stop.CancelAsync();
        await _loop;
        await _effects.DisposeAsync();
        _viewers.Dispose();
        _stop.Dispose();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "session {Session}: another node owns it now ({Reason})")]
    private static partial void LogLost(ILogger logger, string session, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "session {Session}: {Operation} failed and is refused")]
    private static partial void LogRuleFailed(ILogger logger, string session, string operation, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "session {Session} failed and is read again from its log")]
    private static partial void LogFault(ILogger logger, string session, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "session {Session}: the disk refused the log: {Reason}")]
    private static partial void LogRefusedByDisk(ILogger logger, string session, string reason);

    /// <summary>One thing in the mailbox.</summary>
    private abstract record Mail
    {
        public sealed record Operate(Operation Operation, Asker Asker, Action<SubmitReply>? Answer) : Mail;

        public sealed record FromPage(string Node, SubmitEnvelope Envelope) : Mail;

        public sealed record Look(Action Act) : Mail;
    }
}

/// <summary>This node does not serve the session any more: ask its owner.</summary>
internal sealed class SessionEndedException(Exception? inner) : OperationCanceledException("the session is not served here any more", inner);

/// <summary>Who asks for an operation.</summary>
internal readonly record struct Asker(string? Client, string? User, long? Ref, string? Key);
