using System.Collections.Immutable;
using System.Net;

namespace Livebook.Cluster;

/// <summary>How a node takes part in a cluster.</summary>
public sealed record ClusterOptions
{
    /// <summary>Full name, <c>base@address</c>, e.g. <c>livebook@127.0.0.2</c>.</summary>
    public required string Node { get; init; }

    /// <summary>Name of the cluster, which every node of it must give; null = the base name of <see cref="Node"/>.</summary>
    public string? ClusterName { get; init; }

    /// <summary>Name that discovery asks DNS for; null = DNS is not asked.</summary>
    public string? DnsQuery { get; init; }

    /// <summary>Service of AWS whose tasks are the nodes; null = it is not asked.</summary>
    public EcsSource? Ecs { get; init; }

    /// <summary>False = alone, no port is opened.</summary>
    public bool IsClustered => DnsQuery is not null || Ecs is not null;

    /// <summary>True = ask for AAAA records instead of A.</summary>
    public bool Ipv6 { get; init; }

    /// <summary>Shared secret of the cluster; links are keyed by it.</summary>
    public string Cookie { get; init; } = "";

    /// <summary>The cookie before its last change: nodes that still have it are let in, and let this one in. Null = none.</summary>
    public string? PreviousCookie { get; init; }

    /// <summary>
    /// Ids of the secrets that the nodes share for everything but their links, the present one first; nodes that have none in common do not join.
    /// Empty = not compared.
    /// </summary>
    public ImmutableArray<string> KeyIds { get; init; } = [];

    /// <summary>Port of node links.</summary>
    public int Port { get; init; } = 13825;

    /// <summary>Directory of this node alone; logs are kept in <c>logs/</c> below it.</summary>
    public required string DataPath { get; init; }

    /// <summary>Version of this build, shown to others.</summary>
    public string Version { get; init; } = "0";

    /// <summary>DNS servers to ask instead of the system's (tests); null = the system's.</summary>
    public IPEndPoint? DnsServer { get; init; }

    /// <summary>Protocols that this node says it speaks; tests announce those of another release.</summary>
    internal (byte Lowest, byte Highest) Protocols { get; init; } = (Links.Hello.LowestSpoken, Links.Hello.HighestSpoken);

    /// <summary>Test switch: acknowledge without a standby and without waiting for the disk, so that a checker can be shown to fail.</summary>
    public bool UnsafeWithoutReplication { get; init; }

    /// <summary>Test switch: an owner that was cut off or replaced goes on acknowledging by itself, so that a checker can be shown to fail.</summary>
    public bool UnsafeWithoutFencing { get; init; }

    /// <summary>Only in nodes that a drill starts: the file that says what is wrong with their links; null = nothing ever.</summary>
    public string? FaultTable { get; init; }
}

/// <summary>Where the API of AWS ECS names the tasks of one service, or of one family of task definitions.</summary>
public sealed record EcsSource
{
    public required Uri Endpoint { get; init; }
    public required string Region { get; init; }

    /// <summary>Name or ARN of the ECS cluster.</summary>
    public required string Cluster { get; init; }

    /// <summary>Null = all tasks of <see cref="Family"/>.</summary>
    public string? Service { get; init; }
    public string? Family { get; init; }

    /// <summary>Where the task's role gives credentials.</summary>
    public required Uri Credentials { get; init; }

    /// <summary>Secret to show there; null = none is asked for.</summary>
    public string? Authorization { get; init; }

    /// <summary>A file that holds what <see cref="Authorization"/> would; it changes, so it is read each time. Null = none.</summary>
    public string? AuthorizationFile { get; init; }
}

/// <summary>What a node may do.</summary>
public enum NodeStatus
{
    /// <summary>No cluster is configured, or every other member left or is proven dead.</summary>
    Alone,

    /// <summary>A cluster is configured and this node is not a member yet: no changes.</summary>
    Joining,

    /// <summary>Member of a cluster.</summary>
    Member,

    /// <summary>Cut off from the majority: read only.</summary>
    Minority,
}

/// <param name="Status"><c>up</c>, <c>unreachable</c>, or <c>draining</c>: it is about to leave and gets nothing new.</param>
public sealed record MemberInfo(string Name, string Address, string Version, string Status, DateTimeOffset StartedAt);

/// <summary>An address that discovery named and that is not a member, with the reason.</summary>
public sealed record Stranger(string Address, string Reason, DateTimeOffset Since);

/// <summary>What discovery knows.</summary>
public sealed record DiscoveryInfo(string Mode, string? Query, ImmutableArray<string> LastAnswer, DateTimeOffset? LastAt, string? Error);

/// <summary>One log (a session) and who holds it. Known on every node.</summary>
/// <param name="Info">Small description set by the owner (<see cref="IOwnedLog.SetInfo"/>), opaque here.</param>
public sealed record LogEntryInfo(string Id, string Owner, string? Standby, long Epoch, ReadOnlyMemory<byte> Info);

/// <summary>The contents of a log when a node takes it over: the last snapshot and the entries behind it.</summary>
public sealed record LogContents(ReadOnlyMemory<byte> Snapshot, ImmutableArray<ReadOnlyMemory<byte>> Entries);

/// <summary>Why a node got or lost a log.</summary>
public enum OwnershipReason
{
    /// <summary>Made here.</summary>
    Created,

    /// <summary>Found on this node's disk at start.</summary>
    Restarted,

    /// <summary>The owner died.</summary>
    Failover,

    /// <summary>The owner handed it over.</summary>
    Handover,

    /// <summary>Somebody with a higher epoch owns it.</summary>
    Fenced,

    /// <summary>Deleted.</summary>
    Deleted,
}

/// <summary>A log that this node owns: the only writer of one session. Safe for one caller at a time.</summary>
public interface IOwnedLog
{
    string Id { get; }

    /// <summary>Incarnation of ownership; goes up by one at least whenever the owner changes or restarts.</summary>
    long Epoch { get; }

    /// <summary>Node that holds the second copy; null while there is none.</summary>
    string? Standby { get; }

    /// <summary>
    /// Appends entries in order. Completes when they are safe: the standby has them, or, with no other node, they are on this node's disk (fsync).
    /// May be called again before the last call completed; completions keep the order.
    /// </summary>
    /// <exception cref="OwnershipLostException">Another node owns the log now; the entries may be lost. Stop using it.</exception>
    /// <exception cref="IOException">The disk refused them (alone only); the entries are not stored.</exception>
    Task AppendAsync(IReadOnlyList<ReadOnlyMemory<byte>> entries, CancellationToken stop);

    /// <summary>Replaces everything appended so far by a snapshot. Called now and then (every few hundred entries or megabytes).</summary>
    Task CompactAsync(ReadOnlyMemory<byte> snapshot, CancellationToken stop);

    /// <summary>Sets the description that every node sees. Cheap; may be coalesced.</summary>
    void SetInfo(ReadOnlyMemory<byte> info);

    /// <summary>Removes the log from every node.</summary>
    Task DeleteAsync(CancellationToken stop);
}

/// <summary>Another node owns the log now.</summary>
public sealed class OwnershipLostException(string message) : Exception(message);

/// <summary>What lives on top: is told which logs this node owns.</summary>
public interface ILogHost
{
    /// <summary>This node owns <paramref name="log"/> now. Returns when it serves it.</summary>
    Task AdoptAsync(IOwnedLog log, LogContents contents, OwnershipReason reason, CancellationToken stop);

    /// <summary>This node does not own the log any more: stop serving at once, write nothing.</summary>
    Task ReleaseAsync(string id, OwnershipReason reason);
}

/// <summary>The door to the cluster. Implemented by <c>ClusterNode</c>; works the same when alone.</summary>
public interface ICluster : IAsyncDisposable
{
    /// <summary>Name of this node.</summary>
    string Self { get; }
    NodeStatus Status { get; }
    ImmutableArray<MemberInfo> Members { get; }
    ImmutableArray<Stranger> Strangers { get; }
    DiscoveryInfo Discovery { get; }

    /// <summary>Every log of every node by id.</summary>
    ImmutableDictionary<string, LogEntryInfo> Logs { get; }

    /// <summary>
    /// Logs whose owner and standby are both out, as they were listed last: each goes on when a node that has it returns. They are not in
    /// <see cref="Logs"/>.
    /// </summary>
    ImmutableDictionary<string, LogEntryInfo> Away { get; }

    /// <summary>This node is about to leave: it takes no new logs, and others give it none.</summary>
    bool IsDraining { get; }

    /// <summary>
    /// Whether a log may exist although <see cref="Logs"/> does not have it: nobody has decided yet whose a copy of it is, its
    /// nodes are away, or this node has not heard of every member's logs. False: there is no such log, as far as this cluster can know.
    /// </summary>
    bool MayExist(string id);

    /// <summary>Raised, on any thread, after <see cref="Status"/>, <see cref="Members"/> or <see cref="Logs"/> changed. Handlers return at once.</summary>
    event Action? Changed;

    /// <summary>Node with the fewest logs among the reachable members that do not drain, this one preferred when equal.</summary>
    string LeastLoaded();

    /// <summary>A reachable member that does not drain: the same one on every node for the same id, as long as they see the same members.</summary>
    string PlaceFor(string id);

    /// <summary>Tells every node that this one is about to leave. Cannot be taken back.</summary>
    void BeginDrain();

    /// <summary>Gives a log of this node to its standby, or to another node when the standby is not fit for it; completes when that node has shown itself as the owner.</summary>
    /// <exception cref="InvalidOperationException">This node does not own it, or there is no other node that could.</exception>
    Task HandOverAsync(string id, CancellationToken stop);

    /// <summary>Makes a log owned by this node; completes when its first snapshot is safe. Does not call <see cref="ILogHost.AdoptAsync"/>.</summary>
    /// <exception cref="InvalidOperationException">There is a log with this id, or this node may not change anything now (<see cref="Status"/>).</exception>
    Task<IOwnedLog> CreateAsync(string id, ReadOnlyMemory<byte> snapshot, ReadOnlyMemory<byte> info, CancellationToken stop);

    /// <summary>Answers requests on <paramref name="channel"/>. Called with the asking node's name. Set up before <c>StartAsync</c>.</summary>
    void Handle(string channel, Func<string, ReadOnlyMemory<byte>, CancellationToken, Task<ReadOnlyMemory<byte>>> handler);

    /// <summary>Receives messages on <paramref name="channel"/>, one at a time in the order they were sent by each node. Handlers return at once.</summary>
    void Listen(string channel, Action<string, ReadOnlyMemory<byte>> listener);

    /// <summary>Asks a node (may be this one) and waits for the answer. Payloads of any size up to 64 MB; large ones are sent in pieces.</summary>
    /// <exception cref="NodeUnreachableException">The node is not a member, or died before it answered.</exception>
    /// <exception cref="RemoteException">The handler threw; the message is its message.</exception>
    Task<ReadOnlyMemory<byte>> RequestAsync(string node, string channel, ReadOnlyMemory<byte> payload, CancellationToken stop);

    /// <summary>Sends without waiting; lost when the node is not reachable.</summary>
    void Tell(string node, string channel, ReadOnlyMemory<byte> payload);

    /// <summary>Ends read-only by an operator's word (two nodes, the other one is really gone).</summary>
    Task PromoteAsync(CancellationToken stop);

    /// <summary>Begins to take part. Logs found on disk are adopted once this node is alone or a member.</summary>
    Task StartAsync(ILogHost host, CancellationToken stop);
}

/// <summary>The node is not there.</summary>
public sealed class NodeUnreachableException(string message) : Exception(message);

/// <summary>The other node's handler failed.</summary>
public sealed class RemoteException(string message) : Exception(message);
