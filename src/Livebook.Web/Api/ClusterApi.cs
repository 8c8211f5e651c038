using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Livebook.Cluster;
using Livebook.Server.Sessions;

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
            ["status"] = cluster.Status.ToString().ToLowerInvariant(),
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
}
