using System.Collections.Immutable;

namespace Livebook.Cluster.Membership;

/// <summary>
/// Who is there, and raw messages between nodes. Implemented by the Akka engine; tests of what lives on top use an in-memory one.
/// A node that starts again under the same name is a new incarnation.
/// </summary>
internal interface IMesh : IAsyncDisposable
{
    /// <summary>Name of this node.</summary>
    string Self { get; }

    NodeStatus Status { get; }

    /// <summary>This node first (when it is a member, or alone), then the other members that are up, by name. Unreachable ones stay until they are downed.</summary>
    ImmutableArray<MeshMember> Members { get; }

    ImmutableArray<Stranger> Strangers { get; }

    DiscoveryInfo Discovery { get; }

    /// <summary>Raised one at a time, in order, after the properties have their new values. Handlers return at once.</summary>
    event Action<MeshEvent>? Happened;

    /// <summary>Receives messages, one at a time per sender in the order they were sent, from members only. Set before <see cref="StartAsync"/>. Returns at once.</summary>
    Action<string, ReadOnlyMemory<byte>>? Received { get; set; }

    /// <summary>Sends at most <see cref="MaximumBytes"/> to a member (this node included, then delivered asynchronously). In order per receiver; lost when it is not reachable.</summary>
    void Tell(string node, ReadOnlyMemory<byte> payload);

    /// <summary>Largest payload of one message, in bytes; whoever has more sends pieces.</summary>
    public const int MaximumBytes = 512 * 1024;

    Task StartAsync(CancellationToken stop);

    /// <summary>Ends read-only by an operator's word.</summary>
    Task PromoteAsync(CancellationToken stop);
}

/// <param name="Incarnation">Differs for every start of the process, and for every time it had to join anew.</param>
internal sealed record MeshMember(string Name, long Incarnation, string Address, string Version, bool Reachable, DateTimeOffset StartedAt);

/// <summary>What happened in the mesh.</summary>
internal abstract record MeshEvent
{
    /// <summary>A node is a member now (this node too: then everything known about others is new).</summary>
    public sealed record Up(MeshMember Member) : MeshEvent;

    /// <summary>A member does not answer; nothing may be decided yet. Whoever waits for its word goes on waiting.</summary>
    public sealed record Suspected(MeshMember Member) : MeshEvent;

    /// <summary>A suspected member answers again.</summary>
    public sealed record Trusted(MeshMember Member) : MeshEvent;

    /// <summary>A member is out for good (this incarnation of it): dead, left, or on the losing side of a cut. Its logs may be taken over.</summary>
    public sealed record Downed(MeshMember Member) : MeshEvent;

    /// <summary>This node is on the losing side of a cut, or was declared dead: others may own its logs by now. It writes nothing until it is <see cref="Up"/> again.</summary>
    public sealed record Expelled : MeshEvent;

    /// <summary><see cref="IMesh.Status"/>, strangers or discovery changed without any of the above.</summary>
    public sealed record Changed : MeshEvent;
}
