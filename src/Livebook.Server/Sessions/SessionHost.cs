using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using Livebook.Cluster;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Server.Files;
using Microsoft.Extensions.Logging;

namespace Livebook.Server.Sessions;

/// <summary>The sessions that this node owns: takes them over, lets them go, and answers what other nodes ask of them.</summary>
internal sealed partial class SessionHost : ILogHost, IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, SessionActor> _actors = new();

    /// <summary>Sessions that are being made; the same one asked for twice is made once.</summary>
    private readonly ConcurrentDictionary<string, Lazy<Task>> _making = new();

    /// <summary>How long saving may take when the server ends.</summary>
    private static readonly TimeSpan SavePatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan HandOverPause = TimeSpan.FromMilliseconds(50);

    private readonly ICluster _cluster;
    private readonly SessionServices _services;
    private readonly ILogger _logger;

    /// <summary>Members when the cluster changed last.</summary>
    private FrozenSet<string> _present = FrozenSet<string>.Empty;

    /// <param name="services">Makes what every session works with; told what to do with a session that failed.</param>
    public SessionHost(ICluster cluster, Func<Action<SessionActor>, SessionServices> services)
    {
        _cluster = cluster;
        _services = services(Faulted);
        _logger = _services.Logs.CreateLogger<SessionHost>();
        cluster.Handle(Channels.Session, async (from, payload, stop) => (await AnswerAsync(from, payload, stop)).ToBytes());
        cluster.Listen(
            Channels.Submit,
            (from, payload) =>
            {
                var envelope = Channels.Unpack(payload, SessionJson.Default.SubmitEnvelope);
                Find(envelope.Session)?.Post(from, envelope);
            }
        );
        cluster.Listen(
            Channels.Presence,
            (_, payload) =>
            {
                var envelope = Channels.Unpack(payload, SessionJson.Default.PresenceEnvelope);
                Find(envelope.Session)?.Presence(envelope);
            }
        );
        cluster.Changed += OnClusterChanged;
        _services.Settings.Changed += OnSettingsChanged;
    }

    public SessionActor? Find(string session) => _actors.GetValueOrDefault(session);

    public IEnumerable<SessionActor> Actors => _actors.Values;

    public async Task AdoptAsync(IOwnedLog log, LogContents contents, OwnershipReason reason, CancellationToken stop)
    {
        SessionState state;
        EventRing events;
        try
        {
            state = SessionLog.Replay(contents, out events);
        }
        catch (InvalidDataException error)
        {
            // The log stays where it is: a build that understands it can still serve it.
            LogUnreadable(_logger, log.Id, error.Message);
            return;
        }
        using var adoption = _services.Metrics.Adopting(log.Id, reason.ToString().ToLowerInvariant(), log.Epoch);
        var actor = new SessionActor(state, log, _services, events);
        var alive = await actor.Effects.AdoptRuntimeAsync(reason, stop);
        await actor.Effects.HoldFileAsync(stop);
        if (_actors.TryRemove(log.Id, out var old))
            await old.DisposeAsync();
        _actors[log.Id] = actor;
        actor.Start(new SystemOperation.Adopted(_cluster.Self, log.Epoch, alive));
        LogAdopted(_logger, log.Id, reason, log.Epoch, state.Version, alive);
    }

    public async Task ReleaseAsync(string id, OwnershipReason reason)
    {
        if (!_actors.TryRemove(id, out var actor))
            return;
        LogReleased(_logger, id, reason);
        if (reason == OwnershipReason.Handover)
            actor.Effects.LeaveRuntime();
        await actor.DisposeAsync();
    }

    /// <summary>The same key on two nodes at once is the same id, and comes to the same node: whoever is second gets what the first makes.</summary>
    private async Task CreateOnceAsync(CreateSession create, CancellationToken stop)
    {
        if (Find(create.Id) is not null || (_cluster.Logs.TryGetValue(create.Id, out var log) && log.Owner != _cluster.Self))
            return;
        var making = _making.GetOrAdd(create.Id, _ => new Lazy<Task>(() => CreateAsync(create, CancellationToken.None)));
        try
        {
            await making.Value.WaitAsync(stop);
        }
        finally
        {
            _making.TryRemove(create.Id, out _);
        }
    }

    /// <summary>Makes a session here. Its file, if it has one, is locked for it already.</summary>
    /// <exception cref="InvalidOperationException">This node may not change anything now, or the id is taken.</exception>
    public async Task CreateAsync(CreateSession create, CancellationToken stop)
    {
        if (_services.WriteRefusal() is { } refusal)
            throw new InvalidOperationException(refusal);
        var state = SessionReducer.Open(create.Id, create.Notebook, _services.Time.GetUtcNow(), create.Warnings) with
        {
            OutputLimitBytes = _services.Limits.OutputBytes,
            Directory = create.Directory,
        };
        if (create is { FileNode: { } node, FilePath: { } path })
        {
            var version = create.FileVersion;
            state = state with
            {
                File = new FileState
                {
                    State = version is null ? "dirty" : "saved",
                    Node = node,
                    Path = path,
                    Version = version,
                    SavedAt = version?.ModifiedAt,
                },
            };
        }
        var log = await _cluster.CreateAsync(create.Id, SessionLog.Snapshot(state), default, stop);
        var actor = new SessionActor(state, log, _services);
        _actors[create.Id] = actor;
        actor.Start();
        if (create.Notebook.ListedFiles().Any(entry => entry.Type == FileEntry.AttachmentType))
            actor.Effects.BeginPlacing();
    }

    /// <summary>A rule failed: the session goes on from its last safe state, everybody joins again.</summary>
    private void Faulted(SessionActor actor) => _ = ReplaceAsync(actor);

    private async Task ReplaceAsync(SessionActor actor)
    {
        var next = actor.Successor();
        if (!_actors.TryUpdate(actor.Id, next, actor))
            return;
        next.Start(new SystemOperation.Adopted(_cluster.Self, next.Epoch, RuntimeAlive: false));
        await actor.DisposeAsync();
    }

    private async Task<OwnerReply> AnswerAsync(string from, ReadOnlyMemory<byte> payload, CancellationToken stop)
    {
        var request = Channels.Unpack(payload, SessionJson.Default.SessionRequest);
        try
        {
            if (request is SessionRequest.Create(var create))
            {
                await CreateOnceAsync(create, stop);
                return OwnerReply.Ok(default);
            }
            if (Find(request.Session) is not { } actor)
                return OwnerReply.NotHere;
            return request switch
            {
                // The page has heard of a later owner than this one, which stood still and does not know it yet.
                SessionRequest.Join join when join.Epoch > actor.Epoch => OwnerReply.NotHere,
                SessionRequest.Join join => await actor.JoinAsync(from, join),
                SessionRequest.Submit submit => OwnerReply.Ok(
                    Channels.Pack(await actor.SubmitAsync(submit.Operation, new Asker(null, submit.User, null, submit.Key)), SessionJson.Default.SubmitReply)
                ),
                SessionRequest.Query query => OwnerReply.Ok(Channels.Pack(SessionQueries.Answer(actor, query), SessionJson.Default.QueryReply)),
                SessionRequest.Attach attach => OwnerReply.Ok(Channels.Pack(await actor.Effects.AttachAsync(attach, stop), SessionJson.Default.AttachReply)),
                SessionRequest.Wait wait => await WaitAsync(actor, wait, stop),
                SessionRequest.Events events => await EventsAsync(actor, events, stop),
                SessionRequest.WaitSaved => await WaitSavedAsync(actor, stop),
                SessionRequest.Close => await CloseAsync(actor, stop),
                _ => OwnerReply.Failed($"no request {request.GetType().Name} is known here"),
            };
        }
        catch (SessionEndedException)
        {
            return OwnerReply.NotHere;
        }
        catch (InvalidOperationException error)
        {
            return OwnerReply.Failed(error.Message);
        }
    }

    private static async Task<OwnerReply> WaitAsync(SessionActor actor, SessionRequest.Wait wait, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(TimeSpan.FromSeconds(wait.Seconds));
        try
        {
            await actor.WaitAsync(state => wait.Cells.All(cell => state.StateOf(cell).Status == CellStatus.Ready), limit.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            // The time is over: the answer says what is still queued.
        }
        return OwnerReply.Ok(default, version: actor.State.Version);
    }

    private static async Task<OwnerReply> EventsAsync(SessionActor actor, SessionRequest.Events events, CancellationToken stop)
    {
        if (events.After is not { } after)
            return OwnerReply.Ok(default, actor.Epoch, actor.State.Version);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(TimeSpan.FromSeconds(events.Seconds));
        try
        {
            await actor.WaitAsync(state => state.Version != after, limit.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            return OwnerReply.Ok(default, actor.Epoch, after);
        }
        return actor.Events.After(after) is var (version, bytes)
            ? OwnerReply.Ok(bytes, actor.Epoch, version)
            : OwnerReply.Ok(default, actor.Epoch, SessionRequest.Events.Gap);
    }

    private static async Task<OwnerReply> WaitSavedAsync(SessionActor actor, CancellationToken stop)
    {
        await actor.WaitAsync(state => state.File.State != "saving", stop);
        return OwnerReply.Ok(default);
    }

    private async Task<OwnerReply> CloseAsync(SessionActor actor, CancellationToken stop)
    {
        if (await actor.SaveBeforeCloseAsync(stop) is { } reason)
            return OwnerReply.Failed(reason);
        _actors.TryRemove(actor.Id, out _);
        actor.SayGone("The session was closed.");
        var file = actor.State.File;
        await actor.DeleteAsync(stop);
        await actor.DisposeAsync();
        if (file is { Node: { } node, Path: { } path })
            await _services.Files.ReleaseAsync(node, path, actor.Id, stop);
        return OwnerReply.Ok(default);
    }

    private void OnSettingsChanged()
    {
        foreach (var actor in _actors.Values)
            actor.Effects.UpdateEnvironment();
    }

    private void OnClusterChanged()
    {
        // Most changes are news of sessions, not of nodes.
        var present = _cluster.Members.Select(member => member.Name).Append(_cluster.Self).ToFrozenSet();
        if (Interlocked.Exchange(ref _present, present).IsSubsetOf(present))
            return;
        foreach (var actor in _actors.Values)
            actor.KeepNodes(present.Contains);
    }

    /// <summary>Gives every session that this node owns to another node, until there is none left, nobody could take them, or the time is over.</summary>
    public async Task HandOverAllAsync(TimeSpan patience, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(patience);
        try
        {
            // A node that is about to leave may still be the last standby of a session, and become its owner meanwhile.
            while (!_actors.IsEmpty && HasSuccessor)
            {
                await Parallel.ForEachAsync(_actors.Values.ToArray(), limit.Token, async (actor, _) => await HandOverAsync(actor, patience / 3, limit.Token));
                await Task.Delay(HandOverPause, _services.Time, limit.Token);
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            LogNotHandedOver(_logger, _actors.Count);
        }
    }

    /// <summary>A member that stays and could take sessions.</summary>
    private bool HasSuccessor => _cluster.Members.Any(member => member.Name != _cluster.Self && member.Status == "up");

    private async Task HandOverAsync(SessionActor actor, TimeSpan patience, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(patience);
        try
        {
            // Files are on this machine, and a runtime that is being started could not be passed on.
            await ((Task)actor.SaveBeforeCloseAsync(limit.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await actor.WaitAsync(state => state.Runtime.Status != "starting", limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await _cluster.HandOverAsync(actor.Id, stop);
        }
        catch (Exception error) when (error is InvalidOperationException or SessionEndedException)
        {
            LogHandOverFailed(_logger, actor.Id, error.Message);
        }
    }

    /// <summary>Saves what has a file.</summary>
    public async Task SaveAllAsync(TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        await ((Task)Task.WhenAll(_actors.Values.Select(actor => actor.SaveBeforeCloseAsync(limit.Token)))).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing
        );
    }

    /// <summary>Lets every runtime live on: this server, or whoever owns the session next, finds it again.</summary>
    public void LeaveRuntimes()
    {
        foreach (var actor in _actors.Values)
            actor.Effects.LeaveRuntime();
    }

    /// <summary>Saves what has a file and stops everything.</summary>
    public async ValueTask DisposeAsync()
    {
        _cluster.Changed -= OnClusterChanged;
        _services.Settings.Changed -= OnSettingsChanged;
        await SaveAllAsync(SavePatience);
        await Task.WhenAll(_actors.Values.Select(async actor => await actor.DisposeAsync()));
        _actors.Clear();
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "session {Session}: owned here now ({Reason}, epoch {Epoch}, version {Version}, runtime alive: {RuntimeAlive})"
    )]
    private static partial void LogAdopted(ILogger logger, string session, OwnershipReason reason, long epoch, long version, bool runtimeAlive);

    [LoggerMessage(Level = LogLevel.Information, Message = "session {Session}: not owned here any more ({Reason})")]
    private static partial void LogReleased(ILogger logger, string session, OwnershipReason reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "session {Session} was not handed over: {Reason}")]
    private static partial void LogHandOverFailed(ILogger logger, string session, string reason);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Count} sessions could not be handed over in time; they go on when this node is back, or from their standby"
    )]
    private static partial void LogNotHandedOver(ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Error, Message = "session {Session} cannot be served: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, string session, string reason);
}
