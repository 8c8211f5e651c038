using System.Collections.Concurrent;
using Livebook.Cluster;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Server.Sessions;
using Microsoft.Extensions.Logging;

namespace Livebook.Server.Attachments;

/// <summary>
/// The owner's side of attachments. What is acknowledged is on the owner and on the standby; when the standby changes, the new one gets what it lacks;
/// what no session needs any more goes.
/// </summary>
internal sealed partial class AttachmentKeeper : IAsyncDisposable
{
    /// <summary>How long an upload waits for a standby to be chosen.</summary>
    private static readonly TimeSpan StandbyPatience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan CareInterval = TimeSpan.FromSeconds(5);

    /// <summary>Contents that nothing refers to stay this long: an operation that refers to them may be on its way.</summary>
    private static readonly TimeSpan UnusedTime = TimeSpan.FromMinutes(10);

    private readonly ICluster _cluster;
    private readonly BlobDoor _door;
    private readonly ServerLimits _limits;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _signal = new(0);

    /// <summary>Which incarnation of which node has a content, besides this one.</summary>
    private readonly ConcurrentDictionary<(string Session, string Hash), (string Node, DateTimeOffset Started)> _second = new();

    /// <summary>Since when a session is none of this node's.</summary>
    private readonly Dictionary<string, long> _foreign = [];
    private Task _loop = Task.CompletedTask;
    private int _woken;

    public AttachmentKeeper(ICluster cluster, BlobDoor door, ServerLimits limits, TimeProvider time, ILoggerFactory logs)
    {
        _cluster = cluster;
        _door = door;
        _limits = limits;
        _time = time;
        _logger = logs.CreateLogger<AttachmentKeeper>();
        door.Owner = session => Host.Find(session) is { } actor ? (true, actor.Standby) : (false, null);
        door.Stored = StoreAsync;
    }

    /// <summary>The sessions of this node. Set before <see cref="Start"/>.</summary>
    public SessionHost Host { get; set; } = null!;

    public void Start()
    {
        _cluster.Changed += Wake;
        _loop = Task.Run(RunAsync);
    }

    private void Wake()
    {
        if (Interlocked.Exchange(ref _woken, 1) == 0)
            _signal.Release();
    }

    private async Task<BlobReply> StoreAsync(BlobRequest.Store store, BlobUpload upload, CancellationToken stop)
    {
        if (Host.Find(store.Session) is not { } actor)
            return BlobReply.NotHere;
        var size = upload.Length;
        var hash = await upload.KeepAsync(null, stop);
        if (actor.Standby is { } standby && (await _door.AskAsync(standby, new BlobRequest.Keep(store.Session, store.Upload, hash, size), stop)).Kind is null)
            Confirm(store.Session, hash, standby);
        try
        {
            if (await MakeSafeAsync(actor, hash, size, stop) is { } unsafely)
                return unsafely;
            var existed = actor.State.Attachments.TryGetValue(store.Name, out var before);
            var version = actor.State.Version;
            if (before is null || before.Hash != hash)
            {
                var reply = await actor.SubmitAsync(new SystemOperation.AttachmentStored(store.Name, hash, size), new Asker(null, store.User, null, null));
                if (reply.Error is { } reason)
                    return new BlobReply("refused", reason);
                version = reply.Version;
                // The standby that has the log's entry by now may be another one.
                if (await MakeSafeAsync(actor, hash, size, stop) is { } changed)
                    return changed;
            }
            await actor.Effects.PlaceAttachmentsAsync(stop);
            return new BlobReply(Hash: hash, Size: size, Existed: existed, Version: version);
        }
        catch (SessionEndedException)
        {
            return BlobReply.NotHere;
        }
    }

    /// <summary>Completes with null when the standby has the content too, or there is no other node; else with what is in the way.</summary>
    private async Task<BlobReply?> MakeSafeAsync(SessionActor actor, string hash, long size, CancellationToken stop)
    {
        var since = _time.GetTimestamp();
        while (true)
        {
            var standby = actor.Standby;
            if (standby is null && _cluster.Status == NodeStatus.Alone)
                return null;
            if (standby is not null && IsConfirmed(actor.Id, hash, standby))
                return null;
            if (standby is not null)
            {
                var reply = await _door.AskAsync(standby, new BlobRequest.Fetch(actor.Id, hash, size, _cluster.Self, actor.Id), stop);
                if (reply.Kind is null)
                {
                    Confirm(actor.Id, hash, standby);
                    continue;
                }
                if (reply.Kind == "disk_full")
                    return reply;
            }
            if (_time.GetElapsedTime(since) > StandbyPatience)
                return new BlobReply("not_here", "No second node can take the file at the moment; nothing was changed. Try again.");
            await Task.Delay(TimeSpan.FromMilliseconds(100), _time, stop);
        }
    }

    private void Confirm(string session, string hash, string node)
    {
        if (StartOf(node) is { } started)
            _second[(session, hash)] = (node, started);
    }

    private bool IsConfirmed(string session, string hash, string node) =>
        _second.TryGetValue((session, hash), out var known) && known.Node == node && StartOf(node) == known.Started;

    private DateTimeOffset? StartOf(string node) => _cluster.Members.FirstOrDefault(member => member.Name == node)?.StartedAt;

    /// <summary>Brings <c>files/</c> in line with the session: on the node of its file, and where its code runs.</summary>
    public async Task PlaceAsync(SessionActor actor, IReadOnlyList<(string Node, string Directory)> places, CancellationToken stop)
    {
        await TakeInListedAsync(actor, places, stop);
        foreach (var (name, attachment) in actor.State.Attachments)
        {
            if (!await HaveAsync(actor, attachment.Hash, attachment.Size, stop))
            {
                LogMissing(_logger, actor.Id, name);
                continue;
            }
            foreach (var (node, directory) in places)
            {
                var place = new BlobRequest.Place(actor.Id, directory, name, attachment.Hash, attachment.Size, attachment.StoredAt, _cluster.Self);
                var reply = await _door.AskAsync(node, place, stop);
                if (reply is { Kind: null, Hash: { } hash } && hash != attachment.Hash)
                    await TakeAsync(actor, node, name, reply, stop);
                else if (reply.Kind is not null and not "not_here")
                    LogNotPlaced(_logger, actor.Id, name, node, reply.Message ?? reply.Kind);
            }
        }
    }

    /// <summary>Takes in the files that the notebook lists and that lie beside it.</summary>
    private async Task TakeInListedAsync(SessionActor actor, IReadOnlyList<(string Node, string Directory)> places, CancellationToken stop)
    {
        if (places.Count == 0)
            return;
        var lacking = actor
            .State.Notebook.ListedFiles()
            .Where(entry => entry.Type == FileEntry.AttachmentType && !actor.State.Attachments.ContainsKey(entry.Name));
        foreach (var entry in lacking)
        {
            var (node, directory) = places[0];
            var reply = await _door.AskAsync(node, new BlobRequest.TakeIn(actor.Id, directory, entry.Name, _limits.UploadBytes), stop);
            if (reply.Kind is null)
                await TakeAsync(actor, node, entry.Name, reply, stop);
        }
    }

    private async Task TakeAsync(SessionActor actor, string node, string name, BlobReply found, CancellationToken stop)
    {
        var fetched = await _door.AskAsync(_cluster.Self, new BlobRequest.Fetch(actor.Id, found.Hash!, found.Size, node, actor.Id), stop);
        if (fetched.Kind is null && await MakeSafeAsync(actor, found.Hash!, found.Size, stop) is null)
            await actor.SubmitAsync(new SystemOperation.AttachmentStored(name, found.Hash!, found.Size), default);
    }

    public async Task RemoveAsync(SessionActor actor, string name, string hash, IReadOnlyList<(string Node, string Directory)> places, CancellationToken stop)
    {
        foreach (var (node, directory) in places)
            await _door.AskAsync(node, new BlobRequest.Remove(actor.Id, directory, name, hash), stop);
    }

    /// <summary>True when the content is here, if need be got from any node that has it.</summary>
    private async Task<bool> HaveAsync(SessionActor actor, string hash, long size, CancellationToken stop)
    {
        if (_door.Store.Has(actor.Id, hash, size))
            return true;
        foreach (var member in _cluster.Members.Where(member => member.Name != _cluster.Self && member.Status == "up"))
        {
            var reply = await _door.AskAsync(_cluster.Self, new BlobRequest.Fetch(actor.Id, hash, size, member.Name, actor.Id), stop);
            if (reply.Kind is null)
                return true;
        }
        return false;
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await _signal.WaitAsync(CareInterval, _stop.Token);
                Volatile.Write(ref _woken, 0);
                await CareAsync(_stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested) { }
    }

    private async Task CareAsync(CancellationToken stop)
    {
        try
        {
            _door.ForgetIdle();
            foreach (var actor in Host.Actors)
                await CareForAsync(actor, stop);
            Sweep();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or SessionEndedException)
        {
            LogCareFailed(_logger, error.Message);
        }
    }

    /// <summary>Gives a new standby what it lacks.</summary>
    private async Task CareForAsync(SessionActor actor, CancellationToken stop)
    {
        foreach (var attachment in actor.State.Attachments.Values)
        {
            if (
                actor.Standby is not { } standby
                || IsConfirmed(actor.Id, attachment.Hash, standby)
                || !await HaveAsync(actor, attachment.Hash, attachment.Size, stop)
            )
                continue;
            var reply = await _door.AskAsync(standby, new BlobRequest.Fetch(actor.Id, attachment.Hash, attachment.Size, _cluster.Self, actor.Id), stop);
            if (reply.Kind is null)
                Confirm(actor.Id, attachment.Hash, standby);
        }
    }

    private void Sweep()
    {
        foreach (var session in _door.Store.Sessions.ToArray())
        {
            var known = _cluster.Logs.TryGetValue(session, out var log);
            if (Host.Find(session) is { } actor)
            {
                _foreign.Remove(session);
                var used = actor.State.Attachments.Values.Select(attachment => attachment.Hash).ToHashSet();
                _door.Store.RemoveUnused(session, used.Contains, DateTime.UtcNow - UnusedTime);
                continue;
            }
            var ours = known ? log!.Owner == _cluster.Self || log.Standby is null || log.Standby == _cluster.Self : _cluster.MayExist(session);
            if (ours)
                _foreign.Remove(session);
            else if (!_foreign.TryGetValue(session, out var since))
                _foreign[session] = _time.GetTimestamp();
            else if (_time.GetElapsedTime(since) > (known ? UnusedTime : CareInterval))
                _door.Store.Remove(session);
        }
        foreach (var key in _second.Keys.Where(key => Host.Find(key.Session) is null))
            _second.TryRemove(key, out _);
    }

    public async ValueTask DisposeAsync()
    {
        _cluster.Changed -= Wake;
        await _stop.CancelAsync();
        await _loop;
        _door.Dispose();
        _stop.Dispose();
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "session {Session}: no node in reach has the content of {Name}")]
    private static partial void LogMissing(ILogger logger, string session, string name);

    [LoggerMessage(Level = LogLevel.Warning, Message = "session {Session}: {Name} was not written to files/ on {Node}: {Reason}")]
    private static partial void LogNotPlaced(ILogger logger, string session, string name, string node, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the store of attachments could not be looked after: {Reason}")]
    private static partial void LogCareFailed(ILogger logger, string reason);
}
