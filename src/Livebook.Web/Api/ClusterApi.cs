using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Livebook.Cluster;
using Livebook.Server;
using Livebook.Web.Configuration;

namespace Livebook.Web.Api;

/// <summary>The cluster as the asked node sees it.</summary>
internal static class ClusterApi
{
    public static IResult GetAsync(ICluster cluster)
    {
        var counts = cluster.Logs.Values.GroupBy(log => log.Owner).ToDictionary(group => group.Key, group => group.Count());
        var discovery = cluster.Discovery;
        var body = new JsonObject
        {
            ["self"] = cluster.Self,
            ["status"] = cluster.IsDraining ? "draining" : cluster.Status.ToString().ToLowerInvariant(),
            ["nodes"] = new JsonArray([
                .. cluster.Members.Select(member => new JsonObject
                {
                    ["name"] = member.Name,
                    ["address"] = member.Address,
                    ["version"] = member.Version,
                    ["status"] = member.Status,
                    ["sessions"] = counts.GetValueOrDefault(member.Name),
                    ["startedAt"] = member.StartedAt,
                }),
            ]),
            ["discovery"] = new JsonObject
            {
                ["mode"] = discovery.Mode,
                ["query"] = discovery.Query,
                ["lastAnswer"] = new JsonArray([.. discovery.LastAnswer.Select(address => JsonValue.Create(address))]),
                ["lastAt"] = discovery.LastAt,
                ["error"] = discovery.Error,
            },
            ["strangers"] = new JsonArray([
                .. cluster.Strangers.Select(stranger => new JsonObject
                {
                    ["address"] = stranger.Address,
                    ["reason"] = stranger.Reason,
                    ["since"] = stranger.Since,
                }),
            ]),
        };
        return Results.Text(body.ToJsonString(), "application/json");
    }

    public static async Task<IResult> PromoteAsync(ICluster cluster, CancellationToken stop)
    {
        await cluster.PromoteAsync(stop);
        return GetAsync(cluster);
    }

    /// <summary>Answers when the sessions are elsewhere; the node stays until its process is told to stop.</summary>
    public static async Task<IResult> DrainAsync(LivebookServer server, LivebookConfiguration configuration, CancellationToken stop)
    {
        if (server.Cluster.Members.All(member => member.Name == server.Cluster.Self))
            return Results.Problem(
                "There is no other node that could take this node's sessions. Stopping it saves them; they go on when it is back.",
                statusCode: StatusCodes.Status409Conflict
            );
        await server.DrainAsync(TimeSpan.FromSeconds(configuration.DrainSeconds), stop);
        return GetAsync(server.Cluster);
    }
}
