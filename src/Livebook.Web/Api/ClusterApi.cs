using System.Collections.Immutable;
using System.Net;
using System.Text.Json.Nodes;
using Livebook.Cluster;
using Livebook.Core.Wire;
using Livebook.Server;
using Livebook.Server.Nodes;
using Livebook.Web.Configuration;

namespace Livebook.Web.Api;

/// <summary>The cluster as the asked node sees it.</summary>
internal static class ClusterApi
{
    private const int EventsShown = 50;

    public static async Task<IResult> GetAsync(LivebookServer server, CancellationToken stop)
    {
        var cluster = server.Cluster;
        var facts = await server.Facts.CollectAsync(stop);
        var sessions = server.Sessions.List();
        var discovery = cluster.Discovery;
        var body = new JsonObject
        {
            ["self"] = cluster.Self,
            ["status"] = cluster.IsDraining ? "draining" : cluster.Status.ToString().ToLowerInvariant(),
            ["nodes"] = new JsonArray([.. cluster.Members.Select(member => NodeOf(member, facts.GetValueOrDefault(member.Name), sessions))]),
            ["sessions"] = new JsonArray([.. sessions.Select(session => SessionOf(session, facts.GetValueOrDefault(session.Node)))]),
            ["discovery"] = new JsonObject
            {
                ["mode"] = discovery.Mode,
                ["query"] = discovery.Query,
                ["lastAnswer"] = new JsonArray([.. discovery.LastAnswer.Select(address => JsonValue.Create(address))]),
                ["lastAt"] = discovery.LastAt,
                ["error"] = discovery.Error,
                ["addresses"] = new JsonArray([.. discovery.LastAnswer.Select(address => AddressOf(cluster, address))]),
            },
            ["strangers"] = new JsonArray([
                .. cluster.Strangers.Select(stranger => new JsonObject
                {
                    ["address"] = stranger.Address,
                    ["reason"] = stranger.Reason,
                    ["since"] = stranger.Since,
                }),
            ]),
            ["warnings"] = new JsonArray([.. ClusterWarnings.Of(cluster, facts, sessions).Select(warning => JsonValue.Create(warning))]),
            ["events"] = new JsonArray([.. EventsOf(cluster, facts)]),
        };
        return Results.Text(body.ToJsonString(), "application/json");
    }

    public static async Task<IResult> PromoteAsync(LivebookServer server, CancellationToken stop)
    {
        await server.Cluster.PromoteAsync(stop);
        return await GetAsync(server, stop);
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
        return await GetAsync(server, stop);
    }

    private static JsonObject NodeOf(MemberInfo member, NodeFacts? facts, ImmutableArray<SessionSummary> sessions) =>
        new()
        {
            ["name"] = member.Name,
            ["address"] = member.Address,
            ["version"] = member.Version,
            ["status"] = member.Status,
            ["sessions"] = sessions.Count(session => session.Node == member.Name),
            ["standbySessions"] = sessions.Count(session => session.Standby == member.Name),
            ["startedAt"] = member.StartedAt,
            // Notebooks' processes are the node's, too.
            ["memoryBytes"] = facts is null
                ? null
                : facts.MemoryBytes + sessions.Where(session => session.Node == member.Name).Sum(session => session.MemoryBytes),
            ["memoryLimitBytes"] = facts?.MemoryLimitBytes,
            ["pages"] = facts?.Pages,
            ["passingStorage"] = facts?.PassingStorage,
        };

    private static JsonObject SessionOf(SessionSummary session, NodeFacts? facts) =>
        new()
        {
            ["id"] = session.Id,
            ["name"] = session.Name,
            ["node"] = session.Node,
            ["standby"] = session.Standby,
            ["epoch"] = session.Epoch,
            ["behind"] = facts?.Behind.GetValueOrDefault(session.Id),
            ["clients"] = session.Clients,
            ["memoryBytes"] = session.MemoryBytes,
        };

    /// <summary>What became of an address that discovery named.</summary>
    private static JsonObject AddressOf(ICluster cluster, string address)
    {
        var member = cluster.Members.FirstOrDefault(member => Same(HostOf(member.Name), address) || Same(member.Address, address));
        var stranger = cluster.Strangers.FirstOrDefault(stranger => Same(stranger.Address, address));
        var (result, name, reason) =
            member?.Name == cluster.Self || Same(HostOf(cluster.Self), address) ? ("self", cluster.Self, null)
            : member is not null ? ("member", member.Name, null)
            : stranger is not null ? ("stranger", null, stranger.Reason)
            : ("unknown", (string?)null, (string?)null);
        return new JsonObject
        {
            ["address"] = address,
            ["result"] = result,
            ["node"] = name,
            ["reason"] = reason,
        };
    }

    private static string HostOf(string node) => node[(node.LastIndexOf('@') + 1)..];

    private static bool Same(string left, string right) =>
        left == right || (IPAddress.TryParse(left, out var a) && IPAddress.TryParse(right, out var b) && a.Equals(b));

    /// <summary>Every node tells what it saw; the same thing seen by several is one line, of who saw it first.</summary>
    private static IEnumerable<JsonObject> EventsOf(ICluster cluster, ImmutableDictionary<string, NodeFacts> facts) =>
        facts
            .SelectMany(node => node.Value.Events.Select(what => (Node: node.Key, What: what)))
            // An address that is a member by now was only early.
            .Where(entry => entry.What.Kind != "stranger" || !cluster.Members.Any(member => Same(HostOf(member.Name), entry.What.Subject)))
            .OrderBy(entry => entry.What.At)
            .GroupBy(entry => (entry.What.Kind, entry.What.Subject, entry.What.Text, Minute: entry.What.At.ToUnixTimeSeconds() / 60))
            .Select(group => group.First())
            .OrderByDescending(entry => entry.What.At)
            .Take(EventsShown)
            .Select(entry => new JsonObject
            {
                ["at"] = entry.What.At,
                ["node"] = entry.Node,
                ["kind"] = entry.What.Kind,
                ["subject"] = entry.What.Subject,
                ["text"] = entry.What.Text,
            });
}
