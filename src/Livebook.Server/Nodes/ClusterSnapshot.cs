using System.Collections.Immutable;
using Livebook.Cluster;

namespace Livebook.Server.Nodes;

/// <summary>The cluster as one node sees it at one moment, as far as changes of it are told.</summary>
internal sealed record ClusterSnapshot(
    string Self,
    NodeStatus Status,
    ImmutableDictionary<string, MemberInfo> Members,
    ImmutableDictionary<string, string> Strangers,
    ImmutableDictionary<string, LogEntryInfo> Logs
)
{
    public static ClusterSnapshot Of(ICluster cluster) =>
        new(
            cluster.Self,
            cluster.Status,
            cluster.Members.DistinctBy(member => member.Name).ToImmutableDictionary(member => member.Name),
            cluster.Strangers.DistinctBy(stranger => stranger.Address).ToImmutableDictionary(stranger => stranger.Address, stranger => stranger.Reason),
            cluster.Logs
        );

    /// <summary>What happened since <paramref name="before"/>, in words for a person.</summary>
    public IEnumerable<ClusterChange> Since(ClusterSnapshot before)
    {
        if (before.Status != Status && StatusWords(before.Status) is { } words)
            yield return new ClusterChange("status", Self, words);
        foreach (var member in Members.Values.Where(member => member.Name != Self).OrderBy(member => member.Name, StringComparer.Ordinal))
        {
            var known = before.Members.GetValueOrDefault(member.Name);
            if (known is null)
                yield return new ClusterChange("joined", member.Name, $"joined, version {member.Version}");
            else if (known.StartedAt != member.StartedAt)
                yield return new ClusterChange("joined", member.Name, $"was started anew and joined, version {member.Version}");
            else if (known.Status != member.Status)
                yield return new ClusterChange(member.Status, member.Name, Words(known.Status, member.Status));
        }
        foreach (var gone in before.Members.Values.Where(member => member.Name != Self && !Members.ContainsKey(member.Name)))
            yield return new ClusterChange("left", gone.Name, gone.Status == "unreachable" ? "is out of the cluster: it did not answer any more" : "left");
        foreach (var (address, reason) in Strangers)
        {
            if (before.Strangers.GetValueOrDefault(address) != reason)
                yield return new ClusterChange("stranger", address, $"is not a member: {reason}");
        }
        if (ReferenceEquals(Logs, before.Logs))
            yield break;
        foreach (var (id, log) in Logs)
        {
            if (before.Logs.TryGetValue(id, out var known) && known.Owner != log.Owner && log.Epoch > known.Epoch)
                yield return new ClusterChange("moved", id, $"moved from {known.Owner} to {log.Owner}, epoch {known.Epoch} to {log.Epoch}");
        }
    }

    /// <summary>Null for what others tell as well: that this node joins.</summary>
    private string? StatusWords(NodeStatus before) =>
        Status switch
        {
            NodeStatus.Minority => "is cut off from the majority: read only until it is reached again",
            NodeStatus.Member when before == NodeStatus.Minority => "is back with the majority",
            NodeStatus.Alone when before == NodeStatus.Minority => "goes on alone, by an operator's word",
            NodeStatus.Alone when before == NodeStatus.Member => "is the only member left",
            _ => null,
        };

    private static string Words(string before, string now) =>
        now switch
        {
            "unreachable" => "does not answer",
            "up" when before == "unreachable" => "answers again",
            "draining" => "drains: its sessions move to other nodes",
            _ => $"is {now}",
        };
}

/// <summary>One change of the cluster.</summary>
/// <param name="Kind"><c>status</c>, <c>joined</c>, <c>left</c>, <c>stranger</c>, <c>moved</c>, or the new status of a member.</param>
/// <param name="Subject">Name of the node, its address, or id of the session.</param>
internal sealed record ClusterChange(string Kind, string Subject, string Text);
