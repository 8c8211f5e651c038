using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Livebook.Core.Sessions;

namespace Livebook.Web.Api;

/// <summary>Evaluating and cancelling.</summary>
internal static class EvaluationsApi
{
    private const double LongestWaitSeconds = 3_600;

    public static async Task StartAsync(ApiContext api, RouteValueDictionary route)
    {
        var session = (string)route["id"]!;
        var request = await api.ReadAsync(ApiRequestJson.Default.EvaluationRequest);
        if (request.Wait is < 0 or > LongestWaitSeconds)
            throw ApiContext.Bad("wait", $"must be 0 to {LongestWaitSeconds} seconds");
        var reply = await api.SubmitAsync(session, OperationOf(request.Cells));
        var cells = (reply.Resource ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries).ToImmutableArray();
        if (request.Wait is { } seconds)
            await api.Sessions.WaitAsync(session, cells, TimeSpan.FromSeconds(seconds), api.Stop);
        var body = await api.ReadAsync(session, "evaluations", ("cells", string.Join(',', cells)));
        body["version"] = reply.Version;
        await api.WriteAsync(body, request.Wait is null ? StatusCodes.Status202Accepted : StatusCodes.Status200OK);
    }

    private static ClientOperation.Evaluate OperationOf(JsonElement cells) =>
        cells.ValueKind switch
        {
            JsonValueKind.String when cells.GetString() == "all" => new ClientOperation.Evaluate([], "all"),
            JsonValueKind.String when cells.GetString() == "stale" => new ClientOperation.Evaluate([], "outdated"),
            JsonValueKind.Array when cells.GetArrayLength() > 0 && cells.EnumerateArray().All(cell => cell.ValueKind == JsonValueKind.String) =>
                new ClientOperation.Evaluate([.. cells.EnumerateArray().Select(cell => cell.GetString()!)]),
            _ => throw ApiContext.Bad("cells", "must be a list of ids, \"all\" or \"stale\""),
        };

    public static async Task CancelAllAsync(ApiContext api, RouteValueDictionary route) =>
        await api.WriteVersionAsync(await api.SubmitAsync((string)route["id"]!, new ClientOperation.Cancel()));

    public static async Task CancelAsync(ApiContext api, RouteValueDictionary route)
    {
        var session = (string)route["id"]!;
        var cell = (string)route["cell"]!;
        await api.ReadAsync(session, "cell", ("cell", cell));
        await api.WriteVersionAsync(await api.SubmitAsync(session, new ClientOperation.Cancel(cell)));
    }
}
