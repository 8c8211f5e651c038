using System.Collections.Immutable;
using Livebook.Cluster;
using Livebook.Core.Wire;
using Livebook.Server.Nodes;

namespace Livebook.Web.Api;

/// <summary>What an operator should know before it matters: what happened or may happen, and what to do.</summary>
internal static class ClusterWarnings
{
    public static IEnumerable<string> Of(ICluster cluster, ImmutableDictionary<string, NodeFacts> facts, ImmutableArray<SessionSummary> sessions)
    {
        var clustered = cluster.Discovery.Query is not null;
        var members = cluster.Members;
        switch (cluster.Status)
        {
            case NodeStatus.Minority:
                yield return "This node is cut off from the majority and read only. If the others are really gone, promote it.";
                break;
            case NodeStatus.Joining:
                yield return "This node has not joined its cluster yet. Nothing can be changed on it.";
                break;
        }
        foreach (var member in members.Where(member => member.Status == "unreachable"))
            yield return $"{member.Name} does not answer.";
        var passing = facts.Where(node => node.Value.PassingStorage is not null).ToList();
        if (passing.Count > 0 && passing.Count == facts.Count)
            yield return clustered
                ? "No node keeps its data on a lasting volume: a full stop of all nodes would lose every session and setting. Mount a volume at LIVEBOOK_DATA_PATH."
                : $"The data path is on {passing[0].Value.PassingStorage}, which ends with its container: a new one would begin without sessions and settings. Mount a volume at LIVEBOOK_DATA_PATH.";
        else
        {
            foreach (var (node, its) in passing)
                yield return $"{node} keeps its data on {its.PassingStorage}, which ends with its container. Mount a volume at LIVEBOOK_DATA_PATH.";
        }
        foreach (var (node, its) in facts.Where(node => node.Value.Exposed is not null))
            yield return $"On {node} {its.Exposed}.";
        if (members.Select(member => member.Version).Distinct().Count() > 1)
            yield return "The nodes run different versions. That is fine during an update; finish it.";
        if (clustered && members.Length == 2)
            yield return "Two nodes cannot outvote each other: when one is frozen or cut off, the other may become read only. Run three.";
        if (clustered && cluster.Status == NodeStatus.Alone)
            yield return "This node is the only one of its cluster. What it acknowledges is on one disk only.";
        var single = members.Length > 1 ? sessions.Count(session => session.Standby is null) : 0;
        if (single > 0)
            yield return $"{single} {(single == 1 ? "session has" : "sessions have")} no standby at the moment.";
    }
}
