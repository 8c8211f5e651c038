using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Livebook.Cluster;
using Livebook.Core.Json;
using Livebook.Core.Sessions;
using Livebook.Core.Text;
using Livebook.Core.Views;
using Livebook.Core.Wire;

namespace Livebook.Server.Sessions;

/// <summary>
/// The owner's side of everybody who looks at a session: which nodes have pages, the order of each page's submissions, and who is where.
/// Used by the session's loop only, but for the timer that sends presence.
/// </summary>
internal sealed class SessionViewers : IDisposable
{
    private static readonly TimeSpan PresenceInterval = TimeSpan.FromMilliseconds(50);

    private readonly string _session;
    private readonly IOwnedLog _log;
    private readonly ICluster _cluster;
    private readonly Dictionary<string, Page> _pages = [];
    private readonly Lock _presenceLock = new();
    private readonly Dictionary<string, PresenceView?> _presenceChanges = [];
    private readonly ITimer _presenceTimer;
    private ImmutableArray<string> _nodes = [];

    public SessionViewers(string session, IOwnedLog log, SessionServices services)
    {
        _session = session;
        _log = log;
        _cluster = services.Cluster;
        _presenceTimer = services.Time.CreateTimer(_ => SendPresence(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Pages that look at the session.</summary>
    public int Count => _pages.Count;

    public IEnumerable<string> UserNames => _pages.Values.Select(page => page.Presence.Name).Where(name => name.Length > 0).Distinct();

    /// <summary>Takes a page in and makes its <see cref="ServerMessage.Joined"/>.</summary>
    public byte[] Join(string node, SessionRequest.Join join, SessionState state, SessionView view)
    {
        var presence = new PresenceView(join.UserName, join.UserColor, null, 0, []);
        _pages[join.Client] = new Page(node, join.Stream, presence);
        NodesChanged();
        Announce(join.Client, presence);

        // Same epoch and same version: the page has missed nothing, whatever broke.
        var current = join.Epoch == _log.Epoch && join.Version == state.Version;
        var joined = new ServerMessage.Joined(
            _session,
            _log.Epoch,
            state.Version,
            node,
            _cluster.Self,
            _log.Standby,
            current ? null : view,
            current ? null : Texts(state, join.Texts),
            _pages.ToImmutableDictionary(page => page.Key, page => page.Value.Presence)
        );
        return JsonSerializer.SerializeToUtf8Bytes<ServerMessage>(joined, WireJson.Default.ServerMessage);
    }

    private static ImmutableDictionary<string, TextState> Texts(SessionState state, ImmutableDictionary<string, int>? known)
    {
        var texts = ImmutableDictionary.CreateBuilder<string, TextState>();
        foreach (var cell in state.Notebook.Cells)
        {
            var current = state.StateOf(cell.Id);
            var missed = known is not null && known.TryGetValue(cell.Id, out var revision) ? TextRules.Since(current, revision) : null;
            texts[cell.Id] = missed is null ? new TextState(current.TextRevision, cell.Source) : new TextState(current.TextRevision, null, [.. missed]);
        }
        return texts.ToImmutable();
    }

    /// <summary>Whether this is the next submission of its page. One that is not is dropped, and the page told to join again and send what was not answered.</summary>
    public bool InOrder(string node, SubmitEnvelope envelope)
    {
        if (_pages.TryGetValue(envelope.Client, out var page) && page.Stream == envelope.Stream && envelope.Number == page.Submissions + 1)
        {
            page.Submissions++;
            return true;
        }
        // Said once for a page that is known: everything behind the gap is dropped silently until it has joined again.
        if (page is null || page.Stream != envelope.Stream || !page.Lost)
            Send(node, new ViewerFrame(FrameKind.Resync, _session, envelope.Client, _log.Epoch, 0, 0, Encoding.UTF8.GetBytes(envelope.Stream)));
        page?.Lost = true;
        return false;
    }

    public void Answer(string node, SubmitEnvelope envelope, SubmitReply reply)
    {
        ServerMessage message = reply.Error is { } reason
            ? new ServerMessage.Refused(envelope.Ref, reason)
            : new ServerMessage.Accepted(envelope.Ref, reply.Version);
        var body = JsonSerializer.SerializeToUtf8Bytes(message, WireJson.Default.ServerMessage);
        Send(node, new ViewerFrame(FrameKind.Answer, _session, envelope.Client, _log.Epoch, 0, 0, body));
    }

    /// <summary>Sends what happened between two versions: the patch of the view, then the text changes.</summary>
    public void Publish(long from, long to, SessionView before, SessionView after, ImmutableArray<StreamEntry> text)
    {
        if (_nodes.IsEmpty)
            return;
        var items = text;
        if (Diff.Write(before, after, WireJson.Default.SessionView) is { } patch)
            items = items.Insert(0, new StreamEntry.Patched(new RawJson(patch)));
        var entries = new ServerMessage.Entries(_log.Epoch, from, to, items);
        var body = JsonSerializer.SerializeToUtf8Bytes<ServerMessage>(entries, WireJson.Default.ServerMessage);
        SendAll(new ViewerFrame(FrameKind.Entries, _session, null, _log.Epoch, from, to, body));
    }

    /// <summary>Takes word of where a page's user is. True when the number of pages changed.</summary>
    public bool Presence(PresenceEnvelope envelope, SessionState state)
    {
        if (!_pages.TryGetValue(envelope.Client, out var page) || page.Stream != envelope.Stream)
            return false;
        if (envelope.Gone)
        {
            _pages.Remove(envelope.Client);
            NodesChanged();
            Announce(envelope.Client, null);
            return true;
        }
        if (Locate(envelope, state) is not { } place)
            return false;
        page.Presence = page.Presence with { Cell = place.Cell, Revision = place.Revision, Ranges = place.Ranges };
        Announce(envelope.Client, page.Presence);
        return false;
    }

    /// <summary>Maps ranges to the text as it is now; null when the page's revision is too old for that.</summary>
    private static (string? Cell, int Revision, ImmutableArray<SelectionRange> Ranges)? Locate(PresenceEnvelope envelope, SessionState state)
    {
        if (envelope.Cell is not { } id || state.Notebook.Find(id) is not { } cell)
            return (null, 0, []);
        var current = state.StateOf(id);
        if (TextRules.Since(current, envelope.Revision) is not { } missed)
            return null;
        var ranges = ImmutableArray.CreateBuilder<SelectionRange>();
        foreach (var range in envelope.Ranges.Take(32))
        {
            var (anchor, head) = (range.Anchor, range.Head);
            foreach (var update in missed)
            {
                if (anchor < 0 || head < 0 || anchor > update.Changes.LengthBefore || head > update.Changes.LengthBefore)
                    return null;
                anchor = update.Changes.MapPos(anchor, -1);
                head = update.Changes.MapPos(head, -1);
            }
            if (anchor >= 0 && head >= 0 && anchor <= cell.Source.Length && head <= cell.Source.Length)
                ranges.Add(new SelectionRange(anchor, head));
        }
        return (id, current.TextRevision, ranges.ToImmutable());
    }

    /// <summary>Forgets the pages of nodes that are gone. True when there were any.</summary>
    public bool KeepNodes(Func<string, bool> present)
    {
        var gone = _pages.Where(page => !present(page.Value.Node)).Select(page => page.Key).ToArray();
        foreach (var client in gone)
        {
            _pages.Remove(client);
            Announce(client, null);
        }
        NodesChanged();
        return gone.Length > 0;
    }

    public void Gone(string reason)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes<ServerMessage>(new ServerMessage.Gone(reason), WireJson.Default.ServerMessage);
        SendAll(new ViewerFrame(FrameKind.Gone, _session, null, _log.Epoch, 0, 0, body));
    }

    private void NodesChanged() => _nodes = [.. _pages.Values.Select(page => page.Node).Distinct()];

    private void Announce(string client, PresenceView? presence)
    {
        lock (_presenceLock)
        {
            if (_presenceChanges.Count == 0)
                _presenceTimer.Change(PresenceInterval, Timeout.InfiniteTimeSpan);
            _presenceChanges[client] = presence;
        }
    }

    private void SendPresence()
    {
        ImmutableDictionary<string, PresenceView?> changes;
        lock (_presenceLock)
        {
            changes = _presenceChanges.ToImmutableDictionary();
            _presenceChanges.Clear();
        }
        if (changes.IsEmpty)
            return;
        var body = JsonSerializer.SerializeToUtf8Bytes<ServerMessage>(new ServerMessage.Presence(changes), WireJson.Default.ServerMessage);
        SendAll(new ViewerFrame(FrameKind.Presence, _session, null, _log.Epoch, 0, 0, body));
    }

    private void SendAll(ViewerFrame frame)
    {
        var bytes = frame.ToBytes();
        foreach (var node in _nodes)
            _cluster.Tell(node, Channels.Viewers, bytes);
    }

    private void Send(string node, ViewerFrame frame) => _cluster.Tell(node, Channels.Viewers, frame.ToBytes());

    public void Dispose() => _presenceTimer.Dispose();

    private sealed class Page(string node, string stream, PresenceView presence)
    {
        public string Node { get; } = node;
        public string Stream { get; } = stream;
        public PresenceView Presence { get; set; } = presence;

        /// <summary>Submissions taken on this stream.</summary>
        public long Submissions { get; set; }

        /// <summary>One went missing: the page has been told.</summary>
        public bool Lost { get; set; }
    }
}
