using Livebook.Cluster;

namespace Livebook.Web.Health;

/// <summary>What load balancers and orchestrators ask.</summary>
internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(
            "/public/health",
            (HttpContext context) =>
            {
                context.Response.Headers.AccessControlAllowOrigin = "*";
                return Results.Text("""{"application":"livebook"}""", "application/json");
            }
        );
        routes.MapGet("/live", () => Results.Text("alive"));
        routes.MapGet(
            "/ready",
            (ICluster cluster) =>
                NotReady(cluster) is { } reason ? Results.Text(reason, statusCode: StatusCodes.Status503ServiceUnavailable) : Results.Text("ready")
        );
    }

    /// <summary>Why this node should get no users now; null when it should.</summary>
    public static string? NotReady(ICluster cluster) =>
        cluster.Status switch
        {
            _ when cluster.IsDraining => "draining: this node is about to stop, and its sessions go to other nodes",
            NodeStatus.Joining => "joining: this node is not a member of its cluster yet",
            NodeStatus.Minority => "minority: this node is cut off from the majority of its cluster and read only",
            _ => null,
        };
}
