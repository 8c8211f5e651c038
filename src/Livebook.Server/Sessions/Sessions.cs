using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Livebook.Cluster;
using Livebook.Core.Imports;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Core.Wire;
using Livebook.Server.Files;

namespace Livebook.Server.Sessions;

/// <summary>Every session of every node, asked from this one. A session whose owner is changing is waited for.</summary>
public sealed class Sessions
{
    /// <summary>How long a request waits for an owner.</summary>
    private static readonly TimeSpan OwnerPatience = TimeSpan.FromSeconds(10);

    /// <summary>How long a session that nobody knows may take to be heard of: it may have been made on another node just now.</summary>
    private static readonly TimeSpan NewsPatience = TimeSpan.FromSeconds(1);

    /// <summary>Seconds that an owner waits for something to happen before it answers.</summary>
    private const double FollowSeconds = 5;

    private const string IdAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";
    private const int IdLength = 20;

    private readonly ICluster _cluster;
    private readonly SessionHost _host;
    private readonly NodeFiles _files;
    private readonly ServerLimits _limits;
    private readonly byte[] _idSecret;
    private readonly TimeProvider _time;
    private readonly Func<string?> _writeRefusal;

    /// <param name="idSecret">Key of the ids of sessions that are made with an <c>Idempotency-Key</c>; the same on every node.</param>
    internal Sessions(ICluster cluster, SessionHost host, NodeFiles files, ServerLimits limits, byte[] idSecret, TimeProvider time, Func<string?> writeRefusal)
    {
        _cluster = cluster;
        _host = host;
        _files = files;
        _limits = limits;
        _idSecret = idSecret;
        _time = time;
        _writeRefusal = writeRefusal;
    }

    /// <summary>What is known of every session, in order of creation.</summary>
    public ImmutableArray<SessionSummary> List() =>
        [
            .. _cluster
                .Logs.Values.Select(SummaryOf)
                .OfType<SessionSummary>()
                .OrderBy(session => session.CreatedAt)
                .ThenBy(session => session.Id, StringComparer.Ordinal),
        ];

    /// <summary>One session, or null.</summary>
    public SessionSummary? Find(string session) => _cluster.Logs.TryGetValue(session, out var log) ? SummaryOf(log) : null;

    private static SessionSummary? SummaryOf(LogEntryInfo log)
    {
        if (log.Info.IsEmpty)
            return null;
        var summary = Channels.Unpack(log.Info, SessionJson.Default.SessionSummary);
        return summary with { Node = log.Owner, Standby = log.Standby, Epoch = log.Epoch };
    }

    /// <summary>Makes a session with a notebook that has no file.</summary>
    /// <param name="key">An <c>Idempotency-Key</c>: the same one gives the same session.</param>
    /// <exception cref="SessionRefusedException">It cannot be made now; in words for a person.</exception>
    public async Task<OpenedSession> CreateAsync(Notebook notebook, ImmutableArray<string> warnings, string? key, CancellationToken stop)
    {
        var id = NewId(key);
        if (key is not null && _cluster.Logs.ContainsKey(id))
            return new OpenedSession(id, Existing: true, []);
        // With a key every node asks the same one, so that the same request at two nodes makes one session.
        var node = key is null ? _cluster.LeastLoaded() : _cluster.PlaceFor(id);
        await CreateOnAsync(node, new CreateSession(id, notebook, warnings, null, null, null), stop);
        return new OpenedSession(id, Existing: false, warnings);
    }

    /// <summary>Makes a session of a notebook's bytes; they are not kept in a file.</summary>
    /// <exception cref="NotebookFormatException">It is no notebook.</exception>
    /// <exception cref="SessionRefusedException">It cannot be made now.</exception>
    public Task<OpenedSession> ImportAsync(string fileName, ReadOnlyMemory<byte> content, string? key, CancellationToken stop)
    {
        if (content.Length > _limits.NotebookBytes)
            throw new SessionRefusedException("too_large", TooLarge(content.Length));
        var read = NotebookReading.Read(fileName, content, NewId(key));
        return CreateAsync(read.Notebook, read.Warnings, key, stop);
    }

    private string TooLarge(long bytes) =>
        $"The notebook has {bytes / 1048576.0:0.#} MB; at most {_limits.NotebookBytes / 1048576.0:0.#} MB are opened. Raise LIVEBOOK_NOTEBOOK_LIMIT_BYTES to open it.";

    /// <summary>Makes a session on this node whose code runs in a directory.</summary>
    /// <exception cref="SessionRefusedException">It cannot be made now.</exception>
    public async Task<OpenedSession> CreateHereAsync(Notebook notebook, string directory, CancellationToken stop)
    {
        var id = NewId(null);
        await CreateOnAsync(_cluster.Self, new CreateSession(id, notebook, [], null, null, null, directory), stop);
        return new OpenedSession(id, Existing: false, []);
    }

    /// <summary>The states of a session that this node owns, the present one first; between two, others may be passed over. Ends when the session is not served here any more.</summary>
    public async IAsyncEnumerable<SessionState> WatchHereAsync(string session, [EnumeratorCancellation] CancellationToken stop)
    {
        if (_host.Find(session) is not { } actor)
            yield break;
        while (true)
        {
            var state = actor.State;
            yield return state;
            try
            {
                await actor.WaitAsync(next => next.Version > state.Version, stop);
            }
            catch (SessionEndedException)
            {
                yield break;
            }
        }
    }

    /// <summary>Makes a session with a copy of a notebook, under another name and without a file (M11).</summary>
    public Task<OpenedSession> ForkAsync(ReadOnlyMemory<byte> source, string name, CancellationToken stop)
    {
        var read = NotebookReading.Read("fork.livemd", source, NewId(null));
        var standard = new Notebook();
        var fork = read.Notebook with { Name = Names.OfNotebook(name), PersistOutputs = standard.PersistOutputs, AutosaveSeconds = standard.AutosaveSeconds };
        return CreateAsync(fork, [], null, stop);
    }

    /// <summary>Opens a file of a node: a live markdown file is saved to from then on, other formats are imported. A file that is open already gives its session.</summary>
    /// <param name="node">Node that has the file; null = this one.</param>
    /// <exception cref="NotebookFormatException">It is no notebook.</exception>
    /// <exception cref="SessionRefusedException">It cannot be opened; in words for a person.</exception>
    public async Task<OpenedSession> OpenFileAsync(string? node, string path, string? key, CancellationToken stop)
    {
        node ??= _cluster.Self;
        var id = NewId(key);
        if (key is not null && _cluster.Logs.ContainsKey(id))
            return new OpenedSession(id, Existing: true, []);
        OpenedFile file;
        try
        {
            file = await _files.OpenAsync(node, path, id, _limits.NotebookBytes, stop);
        }
        catch (FileSaveException error) when (error.InUseBy is { } other && _cluster.Logs.ContainsKey(other))
        {
            return new OpenedSession(other, Existing: true, []);
        }
        catch (FileSaveException error)
        {
            throw new SessionRefusedException(error.Kind, error.Message);
        }
        try
        {
            if (file.Content is not { } content)
                throw new SessionRefusedException("not_found", $"There is no file {path} on {node}.");
            var read = NotebookReading.Read(file.Path, content, id);
            var native = read.Format == "livemd";
            if (!native)
                await _files.ReleaseAsync(node, file.Path, id, stop);
            var create = native
                ? new CreateSession(id, read.Notebook, read.Warnings, node, file.Path, file.Version)
                : new CreateSession(id, read.Notebook, read.Warnings, null, null, null, Path.GetDirectoryName(file.Path));
            // Code of a notebook with a file expects to run beside it.
            await CreateOnAsync(node, create, stop);
            return new OpenedSession(id, Existing: false, read.Warnings);
        }
        catch
        {
            await _files.ReleaseAsync(node, file.Path, id, CancellationToken.None);
            throw;
        }
    }

    /// <summary>Lists a directory of a node.</summary>
    /// <exception cref="SessionRefusedException">It cannot be read; in words for a person.</exception>
    public async Task<NodeDirectory> ListFilesAsync(string? node, string? path, CancellationToken stop)
    {
        try
        {
            return await _files.ListAsync(node ?? _cluster.Self, path, stop);
        }
        catch (FileSaveException error)
        {
            throw new SessionRefusedException(error.Kind, error.Message);
        }
    }

    /// <summary>Submits an operation; completes when it is safe and visible, or refused.</summary>
    /// <param name="key">An <c>Idempotency-Key</c>. Without one the operation still happens at most once, whatever breaks meanwhile.</param>
    public async Task<SubmitReply> SubmitAsync(string session, ClientOperation operation, string? user, string? key, CancellationToken stop)
    {
        var reply = await AskAsync(new SessionRequest.Submit(session, operation, user, key ?? NewId(null)), stop);
        return Channels.Unpack(reply.Body, SessionJson.Default.SubmitReply);
    }

    /// <summary>Reads something of a session at its owner; see <c>SessionQueries</c>.</summary>
    public async Task<QueryReply> QueryAsync(string session, string what, ImmutableDictionary<string, string> parameters, CancellationToken stop)
    {
        var reply = await AskAsync(new SessionRequest.Query(session, what, parameters), stop);
        return Channels.Unpack(reply.Body, SessionJson.Default.QueryReply);
    }

    /// <summary>Waits until none of the cells is queued or running, or the time is over.</summary>
    public async Task WaitAsync(string session, ImmutableArray<string> cells, TimeSpan limit, CancellationToken stop)
    {
        var until = _time.GetUtcNow() + limit;
        while (until - _time.GetUtcNow() is { Ticks: > 0 } left)
        {
            // In pieces, so that an owner that dies meanwhile is noticed.
            var piece = Math.Min(left.TotalSeconds, 5);
            await AskAsync(new SessionRequest.Wait(session, cells, piece), stop);
            if (left.TotalSeconds <= piece)
                return;
            var state = await QueryAsync(session, "busy", ImmutableDictionary<string, string>.Empty.Add("cells", string.Join(',', cells)), stop);
            if (state.Body is [(byte)'0'])
                return;
        }
    }

    /// <summary>
    /// Follows a session, whoever owns it, until it is closed: the first step says where it begins, the others what happened since as server-sent events.
    /// A step is asked for when the one before was taken, so a slow reader costs nobody memory; one that is too slow gets a <see cref="FollowedStep.Gap"/>.
    /// </summary>
    /// <param name="after">Version to go on from; null = the present one.</param>
    /// <exception cref="SessionNotFoundException">There is no such session, or it was closed.</exception>
    public async IAsyncEnumerable<FollowedStep> FollowAsync(string session, long? after, [EnumeratorCancellation] CancellationToken stop)
    {
        var first = await AskAsync(new SessionRequest.Events(session, null, 0), stop);
        var version = after ?? first.Version;
        yield return new FollowedStep(after is null, version, default);
        while (true)
        {
            var reply = await AskPatientlyAsync(new SessionRequest.Events(session, version, FollowSeconds), stop);
            var gap = reply.Version == SessionRequest.Events.Gap;
            version = gap ? (await AskPatientlyAsync(new SessionRequest.Events(session, null, 0), stop)).Version : reply.Version;
            if (gap || !reply.Body.IsEmpty)
                yield return new FollowedStep(gap, version, reply.Body);
        }
    }

    /// <summary>Waits until a save that was asked for has ended, well or not.</summary>
    public Task WaitUntilSavedAsync(string session, CancellationToken stop) => AskAsync(new SessionRequest.WaitSaved(session), stop);

    /// <summary>Saves the session to another file from now on.</summary>
    /// <param name="node">Node of the file; null = the session's owner.</param>
    public async Task<AttachReply> AttachAsync(string session, string? node, string path, bool overwrite, CancellationToken stop)
    {
        node ??= Find(session)?.Node ?? _cluster.Self;
        var reply = await AskAsync(new SessionRequest.Attach(session, node, path, overwrite), stop);
        return Channels.Unpack(reply.Body, SessionJson.Default.AttachReply);
    }

    /// <summary>Closes a session everywhere; saves first.</summary>
    /// <exception cref="SessionRefusedException">It has unsaved changes that cannot be saved; in words for a person.</exception>
    public async Task CloseAsync(string session, CancellationToken stop)
    {
        await AskAsync(new SessionRequest.Close(session), stop);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(NewsPatience);
        await WaitForAsync(() => !_cluster.Logs.ContainsKey(session), limit.Token);
    }

    private async Task CreateOnAsync(string node, CreateSession create, CancellationToken stop)
    {
        if (_cluster.Status is NodeStatus.Joining or NodeStatus.Minority)
            throw new SessionRefusedException("not_ready", "This server is not connected to its cluster at the moment, so nothing can be changed here.");
        if (_writeRefusal() is { } refusal)
            throw new SessionRefusedException("disk_full", refusal);
        try
        {
            var payload = Channels.Pack(new SessionRequest.Create(create), SessionJson.Default.SessionRequest);
            var reply = OwnerReply.Parse(await _cluster.RequestAsync(node, Channels.Session, payload, stop));
            if (reply.Status != OwnerReplyStatus.Ok)
                throw new SessionRefusedException("failed", reply.Reason);
        }
        catch (Exception error) when (error is NodeUnreachableException or RemoteException)
        {
            throw new SessionRefusedException("not_ready", $"The session could not be made on {node}: {error.Message}. Try again.");
        }
        // Whoever is told of the session finds it on this node at once.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(NewsPatience);
        await WaitForAsync(() => Find(create.Id) is not null, limit.Token);
    }

    /// <summary>Asks a session's owner, and the next one when it changes.</summary>
    /// <exception cref="SessionNotFoundException">There is no such session.</exception>
    /// <exception cref="OwnerUnavailableException">Nobody served it for 10 s.</exception>
    /// <exception cref="SessionRefusedException">The owner says why.</exception>
    private async Task<OwnerReply> AskAsync(SessionRequest request, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(OwnerPatience);
        try
        {
            return await AskPatientlyAsync(request, limit.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new OwnerUnavailableException("The session's server does not answer at the moment. Nothing is lost; try again in a few seconds.");
        }
    }

    /// <summary>The same, for as long as it takes.</summary>
    internal async Task<OwnerReply> AskPatientlyAsync(SessionRequest request, CancellationToken stop)
    {
        var payload = Channels.Pack(request, SessionJson.Default.SessionRequest);
        var heardOf = false;
        while (true)
        {
            if (!_cluster.Logs.TryGetValue(request.Session, out var log))
            {
                await AwaitNewsAsync(request.Session, heardOf, stop);
                continue;
            }
            heardOf = true;
            OwnerReply reply;
            try
            {
                reply = OwnerReply.Parse(await _cluster.RequestAsync(log.Owner, Channels.Session, payload, stop));
            }
            catch (NodeUnreachableException)
            {
                reply = OwnerReply.NotHere;
            }
            catch (RemoteException error)
            {
                throw new SessionRefusedException("failed", error.Message);
            }
            switch (reply.Status)
            {
                case OwnerReplyStatus.Ok:
                    return reply;
                case OwnerReplyStatus.NotHere:
                    await AwaitOwnerAsync(request.Session, log, stop);
                    break;
                default:
                    throw new SessionRefusedException("failed", reply.Reason);
            }
        }
    }

    private async Task AwaitNewsAsync(string session, bool heardOf, CancellationToken stop)
    {
        // A node that has not heard of everything, or of a copy that is nobody's yet, cannot say that there is no such session.
        var certain = !_cluster.MayExist(session);
        if (heardOf && certain)
            throw new SessionNotFoundException(session);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        if (certain)
            limit.CancelAfter(NewsPatience);
        var heard = await WaitForAsync(() => _cluster.Logs.ContainsKey(session) || (!certain && !_cluster.MayExist(session)), limit.Token);
        if (!heard && certain && !stop.IsCancellationRequested)
            throw new SessionNotFoundException(session);
        stop.ThrowIfCancellationRequested();
    }

    private async Task AwaitOwnerAsync(string session, LogEntryInfo seen, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(TimeSpan.FromMilliseconds(100));
        await WaitForAsync(() => !_cluster.Logs.TryGetValue(session, out var now) || now.Owner != seen.Owner || now.Epoch != seen.Epoch, limit.Token);
        stop.ThrowIfCancellationRequested();
    }

    /// <summary>True when the condition came to hold; false when the time was over.</summary>
    private async Task<bool> WaitForAsync(Func<bool> condition, CancellationToken stop)
    {
        var signal = new SemaphoreSlim(0);
        void Wake() => signal.Release();
        _cluster.Changed += Wake;
        try
        {
            while (!condition())
                await signal.WaitAsync(stop);
            return true;
        }
        catch (OperationCanceledException)
        {
            return condition();
        }
        finally
        {
            _cluster.Changed -= Wake;
        }
    }

    /// <summary>An id nobody can guess; with a key the same one for the same key.</summary>
    private string NewId(string? key)
    {
        var bytes = key is null ? RandomNumberGenerator.GetBytes(IdLength) : HMACSHA256.HashData(_idSecret, Encoding.UTF8.GetBytes($"session:{key}"));
        return string.Create(
            IdLength,
            bytes,
            (id, source) =>
            {
                for (var i = 0; i < id.Length; i++)
                    id[i] = IdAlphabet[source[i] % IdAlphabet.Length];
            }
        );
    }
}

/// <param name="Existing">It was there already.</param>
/// <param name="Warnings">What the import has to say.</param>
public sealed record OpenedSession(string Id, bool Existing, ImmutableArray<string> Warnings);

/// <param name="Gap">What comes next does not follow what came before: the session is to be read anew, at <paramref name="Version"/> or later.</param>
/// <param name="Events">Server-sent events, whole ones.</param>
public sealed record FollowedStep(bool Gap, long Version, ReadOnlyMemory<byte> Events);

/// <summary>There is no such session.</summary>
public sealed class SessionNotFoundException(string session) : Exception($"There is no session {session}.");

/// <summary>Nobody serves the session at the moment.</summary>
public sealed class OwnerUnavailableException(string message) : Exception(message);

/// <summary>It cannot be; the message is for a person.</summary>
/// <param name="kind"><c>not_ready</c>, <c>not_found</c>, <c>in_use</c>, <c>too_large</c>, <c>disk_full</c>, <c>failed</c>…</param>
public sealed class SessionRefusedException(string kind, string message) : Exception(message)
{
    public string Kind { get; } = kind;
}
