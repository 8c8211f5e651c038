using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using Livebook.Cluster;
using Livebook.Core.Json;
using Livebook.Core.Wire;
using Microsoft.Extensions.Logging;

namespace Livebook.Server.Sessions;

/// <summary>Where a page's messages go. Bounded: what does not fit is refused, never waited for.</summary>
public interface IPageSink
{
    /// <summary>Queues a message; false when the queue is full and the message was dropped.</summary>
    bool Send(ReadOnlyMemory<byte> message);

    /// <summary>Drops what is queued and sends this instead.</summary>
    void Restart(ReadOnlyMemory<byte> message);

    /// <summary>Drops what is queued and ends the connection: the page is to come back, to another node.</summary>
    void SendAway();
}

/// <summary>The pages that are connected to this node, whoever owns the sessions they show.</summary>
public sealed partial class Pages : IAsyncDisposable
{
    /// <summary>How long a submission may go unanswered before its page is asked to send it again.</summary>
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan HomeInterval = TimeSpan.FromMilliseconds(250);

    private readonly ConcurrentDictionary<Page, byte> _pages = new();
    private readonly ConcurrentDictionary<string, ImmutableHashSet<Page>> _bySession = new();
    private readonly ICluster _cluster;
    private readonly Sessions _sessions;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ITimer _watch;
    private readonly Lock _reachableLock = new();
    private FrozenSet<string> _reachable = FrozenSet<string>.Empty;
    private int _homeDue;

    internal Pages(ICluster cluster, Sessions sessions, TimeProvider time, ILoggerFactory logs)
    {
        _cluster = cluster;
        _sessions = sessions;
        _time = time;
        _logger = logs.CreateLogger<Pages>();
        cluster.Listen(Channels.Viewers, OnFrame);
        cluster.Changed += OnClusterChanged;
        LookAtMembers();
        _watch = time.CreateTimer(_ => Watch(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
    }

    /// <summary>How many pages are connected here.</summary>
    public int Count => _pages.Count;

    internal ICluster Cluster => _cluster;

    internal Sessions Sessions => _sessions;

    internal TimeProvider Time => _time;

    internal ILogger Logger => _logger;

    /// <summary>Takes a new connection in.</summary>
    public Page Connect(IPageSink sink)
    {
        var page = new Page(this, sink);
        _pages[page] = 0;
        page.ConditionMayHaveChanged();
        return page;
    }

    internal void Disconnected(Page page)
    {
        _pages.TryRemove(page, out _);
        if (page.Session is { } session)
            Unregister(session, page);
    }

    internal void Register(string session, Page page) => _bySession.AddOrUpdate(session, [page], (_, pages) => pages.Add(page));

    internal void Unregister(string session, Page page)
    {
        while (_bySession.TryGetValue(session, out var pages))
        {
            var left = pages.Remove(page);
            var done = left.IsEmpty ? _bySession.TryRemove(KeyValuePair.Create(session, pages)) : _bySession.TryUpdate(session, left, pages);
            if (done)
                return;
        }
    }

    private void OnFrame(string from, ReadOnlyMemory<byte> bytes)
    {
        var frame = ViewerFrame.Parse(bytes);
        if (!_bySession.TryGetValue(frame.Session, out var pages))
            return;
        foreach (var page in pages)
        {
            if (frame.Client is null || frame.Client == page.Client)
                page.Receive(frame);
        }
    }

    private void OnClusterChanged()
    {
        LookAtMembers();
        foreach (var (page, _) in _pages)
            page.ConditionMayHaveChanged();
        SendHomeSoon();
    }

    private void LookAtMembers()
    {
        // Under a lock, so that the last look is the newest.
        lock (_reachableLock)
            _reachable = _cluster.Members.Where(member => member.Status != "unreachable").Select(member => member.Name).ToFrozenSet();
    }

    /// <summary>Whether a node is a member that answers. Cheap: asked for every page whenever something changed.</summary>
    internal bool IsReachable(string node) => Volatile.Read(ref _reachable).Contains(node);

    private void Watch()
    {
        var before = _time.GetUtcNow() - AnswerPatience;
        foreach (var (page, _) in _pages)
            page.ResyncIfUnansweredSince(before);
    }

    /// <summary>The home pages' list may lag a little: it is sent whole.</summary>
    private void SendHomeSoon()
    {
        if (_pages.All(page => !page.Key.WatchesHome))
            return;
        if (Interlocked.Exchange(ref _homeDue, 1) == 0)
            _ = SendHomeLaterAsync();
    }

    private async Task SendHomeLaterAsync()
    {
        await Task.Delay(HomeInterval, _time);
        Volatile.Write(ref _homeDue, 0);
        byte[]? body = null;
        foreach (var (page, _) in _pages)
        {
            if (page.WatchesHome)
                page.SendOrRestart(body ??= HomeMessage());
        }
    }

    /// <summary>Sends every page away, spread over some time so that they do not arrive elsewhere as one.</summary>
    public async Task SendAwayAsync(TimeSpan within, CancellationToken stop)
    {
        var pages = _pages.Keys.ToArray();
        Random.Shared.Shuffle(pages);
        foreach (var page in pages)
        {
            page.SendAway();
            await Task.Delay(within / pages.Length, _time, stop);
        }
    }

    internal byte[] HomeMessage() => Page.Pack(new ServerMessage.Home(_sessions.List(), View()));

    /// <summary>The cluster as pages see it.</summary>
    private ClusterView View()
    {
        var counts = _cluster.Logs.Values.GroupBy(log => log.Owner).ToDictionary(group => group.Key, group => group.Count());
        return new ClusterView(
            _cluster.Self,
            Page.StatusName(_cluster),
            [
                .. _cluster.Members.Select(member => new NodeView(
                    member.Name,
                    member.Address,
                    member.Version,
                    member.Status,
                    counts.GetValueOrDefault(member.Name),
                    member.StartedAt
                )),
            ]
        );
    }

    public async ValueTask DisposeAsync()
    {
        _cluster.Changed -= OnClusterChanged;
        await _watch.DisposeAsync();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "a page's join of session {Session} failed")]
    internal static partial void LogJoinFailed(ILogger logger, string session, Exception error);
}
