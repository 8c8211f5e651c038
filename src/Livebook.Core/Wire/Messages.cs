using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Livebook.Core.Sessions;
using Livebook.Core.Text;
using Livebook.Core.Views;

namespace Livebook.Core.Wire;

/// <summary>What a browser sends on <c>/ws</c>: one JSON text frame each, at most 4 MB.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(JoinSession), "join")]
[JsonDerivedType(typeof(WatchHome), "watch_home")]
[JsonDerivedType(typeof(Submit), "submit")]
[JsonDerivedType(typeof(ReportPresence), "presence")]
[JsonDerivedType(typeof(Ping), "ping")]
public abstract record ClientMessage
{
    /// <summary>First message on a session page's socket; again after a gap.</summary>
    /// <param name="Client">Id of this tab: 16 random characters, kept for the life of the page.</param>
    /// <param name="Epoch">Epoch and version the page has, or null.</param>
    /// <param name="Texts">Cell → text revision the page has, so that a reconnect gets only what it missed and recognises its own edits.</param>
    public sealed record JoinSession(
        string Session,
        string Client,
        string UserName,
        string UserColor,
        long? Epoch = null,
        long? Version = null,
        ImmutableDictionary<string, int>? Texts = null
    ) : ClientMessage;

    /// <summary>First message on the home page's socket.</summary>
    public sealed record WatchHome : ClientMessage;

    /// <summary>Asks for an operation. Answered by <see cref="ServerMessage.Accepted"/> or <see cref="ServerMessage.Refused"/>; sent again after a reconnect it happens only once.</summary>
    /// <param name="Ref">Counts up from 1 for the life of the page.</param>
    public sealed record Submit(long Ref, ClientOperation Operation) : ClientMessage;

    /// <summary>Where the user is. Never stored; sent at most every 50 ms.</summary>
    /// <param name="Revision">Text revision that the ranges refer to, the page's unconfirmed changes not counted.</param>
    public sealed record ReportPresence(string? Cell, int Revision, ImmutableArray<SelectionRange> Ranges) : ClientMessage;

    /// <summary>Heartbeat, every 15 s; <paramref name="At"/> comes back, for the round-trip time.</summary>
    public sealed record Ping(double At) : ClientMessage;
}

/// <summary>A cursor or selection: UTF-16 offsets.</summary>
public sealed record SelectionRange(int Anchor, int Head);

/// <summary>What a server sends on <c>/ws</c>.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Joined), "joined")]
[JsonDerivedType(typeof(Entries), "entries")]
[JsonDerivedType(typeof(Accepted), "accepted")]
[JsonDerivedType(typeof(Refused), "refused")]
[JsonDerivedType(typeof(Presence), "presence")]
[JsonDerivedType(typeof(Home), "home")]
[JsonDerivedType(typeof(Pong), "pong")]
[JsonDerivedType(typeof(Condition), "condition")]
[JsonDerivedType(typeof(Resync), "resync")]
[JsonDerivedType(typeof(Gone), "gone")]
public abstract record ServerMessage
{
    /// <summary>Answer to a join: the whole state at <paramref name="Version"/>. What follows are entries from there on.</summary>
    /// <param name="Node">Node this socket is connected to.</param>
    /// <param name="View">The state; null when the page's version could be continued (then entries follow).</param>
    /// <param name="Texts">Text of every cell; with the page's own revision known, only the updates since.</param>
    public sealed record Joined(
        string Session,
        long Epoch,
        long Version,
        string Node,
        string Owner,
        string? Standby,
        SessionView? View,
        ImmutableDictionary<string, TextState>? Texts,
        ImmutableDictionary<string, PresenceView> Clients
    ) : ServerMessage;

    /// <summary>Everything that happened behind version <paramref name="From"/> up to <paramref name="To"/>. A version is the number of an operation in the session's log, so it goes on across owners.</summary>
    public sealed record Entries(long Epoch, long From, long To, ImmutableArray<StreamEntry> Items) : ServerMessage;

    /// <summary>The operation is in the log, safe, and visible from <paramref name="Version"/> on.</summary>
    public sealed record Accepted(long Ref, long Version) : ServerMessage;

    /// <summary>The operation was refused; nothing changed.</summary>
    public sealed record Refused(long Ref, string Reason) : ServerMessage;

    /// <summary>Who is here and where; null removes a client. Never stored, may be dropped.</summary>
    public sealed record Presence(ImmutableDictionary<string, PresenceView?> Clients) : ServerMessage;

    /// <summary>All sessions of all nodes and the state of the cluster; sent whole when something changed, at most every 500 ms.</summary>
    public sealed record Home(ImmutableArray<SessionSummary> Sessions, ClusterView Cluster) : ServerMessage;

    public sealed record Pong(double At) : ServerMessage;

    /// <summary>What this node can do now. Sent on connect and on change.</summary>
    /// <param name="Status"><c>alone</c>, <c>joining</c>, <c>member</c>, <c>draining</c> (pages are about to be sent away) or <c>minority</c>; in <c>minority</c> nothing can be changed.</param>
    /// <param name="OwnerReachable">False while the session's owner does not answer: input waits, nothing is acknowledged.</param>
    public sealed record Condition(string Status, bool OwnerReachable, string Node, string Owner, string? Standby, string? Message) : ServerMessage;

    /// <summary>The stream broke (the session moved, or this page was too slow): the page sends a join with what it has on the same socket, then everything unanswered again.</summary>
    public sealed record Resync(string Reason) : ServerMessage;

    /// <summary>There is no such session (any more); the page goes home and shows <paramref name="Reason"/>.</summary>
    public sealed record Gone(string Reason) : ServerMessage;
}

/// <summary>One step of a session's ordered stream. Text of a cell that the page does not know (deleted within the same entries) is ignored.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "k")]
[JsonDerivedType(typeof(Patched), "p")]
[JsonDerivedType(typeof(TextChanged), "t")]
[JsonDerivedType(typeof(TextReplaced), "r")]
public abstract record StreamEntry
{
    /// <summary>Patch of the view: <c>["s",path,value]</c> set, <c>["d",path]</c> delete, <c>["a",path,items]</c> append to an array, <c>["x",path,index,remove,items]</c> splice; path is an array of strings.</summary>
    public sealed record Patched(RawJson Ops) : StreamEntry;

    /// <summary>One text update of one cell; its text revision goes up by one.</summary>
    public sealed record TextChanged(string Cell, string Editor, ChangeSet Changes) : StreamEntry;

    /// <summary>A cell's text was set anew: a new cell, or one restored or reloaded.</summary>
    public sealed record TextReplaced(string Cell, int Revision, string Text) : StreamEntry;
}

/// <summary>A cell's text at <paramref name="Revision"/>: whole in <paramref name="Text"/>, or the updates since the revision that the page named.</summary>
public sealed record TextState(
    int Revision,
    string? Text,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ImmutableArray<TextUpdate>? Updates = null
);

public sealed record TextUpdate(string Editor, ChangeSet Changes);

/// <param name="Color">Index 1–12 into the presence colours, as text, or a CSS hex colour.</param>
public sealed record PresenceView(string Name, string Color, string? Cell, int Revision, ImmutableArray<SelectionRange> Ranges);

public sealed record SessionSummary(
    string Id,
    string Name,
    string? File,
    long Version,
    string Node,
    string? Standby,
    long Epoch,
    DateTimeOffset CreatedAt,
    int Clients,
    string Runtime,
    long MemoryBytes,
    int Evaluating,
    int Queued,
    int Stale,
    int Failed,
    int Evaluated
);

public sealed record ClusterView(string Self, string Status, ImmutableArray<NodeView> Nodes);

public sealed record NodeView(string Name, string Address, string Version, string Status, int Sessions, DateTimeOffset StartedAt);
