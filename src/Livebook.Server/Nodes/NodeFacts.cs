using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Livebook.Cluster;
using Livebook.Server.Runtimes;
using Livebook.Server.Sessions;

namespace Livebook.Server.Nodes;

/// <summary>What only a node itself knows of itself.</summary>
/// <param name="MemoryBytes">Resident memory of the server's process.</param>
/// <param name="MemoryLimitBytes">What the machine or container has.</param>
/// <param name="Pages">Browser pages that are connected to it.</param>
/// <param name="PassingStorage">Kind of the file system of its data path when that does not outlive a container, e.g. <c>overlay</c>; else null.</param>
/// <param name="Exposed">What notebook code can reach of the server's, as a sentence; null = nothing.</param>
/// <param name="Behind">Operations of its sessions, by id, that are not safe yet; those with none are left out.</param>
public sealed record NodeFacts(
    long MemoryBytes,
    long MemoryLimitBytes,
    int Pages,
    string? PassingStorage,
    string? Exposed,
    ImmutableSortedDictionary<string, int> Behind,
    ImmutableArray<ClusterEvent> Events
);

/// <summary>Asks every node for its facts.</summary>
public sealed class NodeFactsCollector
{
    private const string Channel = "node/facts";
    private const int EventsTold = 50;

    /// <summary>Who does not answer by then is shown without facts.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    private readonly ICluster _cluster;

    internal NodeFactsCollector(ICluster cluster, SessionHost host, Pages pages, ClusterStory story, IRuntimes runtimes, string dataPath)
    {
        _cluster = cluster;
        var passing = new Lazy<string?>(() => LastingVolume.PassingKind(dataPath));
        cluster.Handle(
            Channel,
            async (_, _, stop) =>
                Channels.Pack(
                    new NodeFacts(
                        Environment.WorkingSet,
                        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
                        pages.Count,
                        passing.Value,
                        await runtimes.Weakness.WaitAsync(stop),
                        host.Actors.Where(actor => actor.Pending > 0).ToImmutableSortedDictionary(actor => actor.Id, actor => actor.Pending),
                        [.. story.Events.Take(EventsTold)]
                    ),
                    NodeFactsJson.Default.NodeFacts
                )
        );
    }

    /// <summary>Facts by node name; nodes that do not answer within half a second are missing.</summary>
    public async Task<ImmutableDictionary<string, NodeFacts>> CollectAsync(CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(Patience);
        var nodes = _cluster.Members.Where(member => member.Status != "unreachable").Select(member => member.Name).Append(_cluster.Self).Distinct();
        var answers = await Task.WhenAll(nodes.Select(node => AskAsync(node, limit.Token)));
        stop.ThrowIfCancellationRequested();
        return answers.Where(answer => answer.Facts is not null).ToImmutableDictionary(answer => answer.Node, answer => answer.Facts!);
    }

    private async Task<(string Node, NodeFacts? Facts)> AskAsync(string node, CancellationToken stop)
    {
        try
        {
            return (node, Channels.Unpack(await _cluster.RequestAsync(node, Channel, default, stop), NodeFactsJson.Default.NodeFacts));
        }
        catch (Exception error) when (error is NodeUnreachableException or RemoteException or InvalidDataException or OperationCanceledException)
        {
            return (node, null);
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(NodeFacts))]
internal sealed partial class NodeFactsJson : JsonSerializerContext;
