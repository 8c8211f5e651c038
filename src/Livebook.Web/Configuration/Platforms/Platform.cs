using System.Net;
using Livebook.Cluster;

namespace Livebook.Web.Configuration.Platforms;

/// <summary>What the platform tells about this node and where others are. What it does not tell is null.</summary>
internal sealed record Platform
{
    /// <summary>Base name of the node.</summary>
    public string? Name { get; init; }
    public IPAddress? Address { get; init; }
    public string? ClusterName { get; init; }
    public string? DnsQuery { get; init; }
    public EcsSource? Ecs { get; init; }

    /// <summary>Links between nodes are IPv6 there.</summary>
    public bool Ipv6 { get; init; }

    /// <summary>What LIVEBOOK_CLUSTER=auto means here.</summary>
    /// <exception cref="ConfigurationException">No platform is recognised, or it does not tell enough.</exception>
    public static async Task<Platform> FindAsync(EnvironmentReader env, StatedNode node, Machine machine, CancellationToken stop) =>
        env.Text("FLY_APP_NAME") is { } app ? Fly.Read(app, env)
        : EcsMetadata.PlaceOf(env) is { } places ? await Platforms.Ecs.FindAsync(places, env, node, machine, stop)
        : env.Text("KUBERNETES_SERVICE_HOST") is not null ? Kubernetes.Read(env, machine)
        : throw new ConfigurationException(
            "LIVEBOOK_CLUSTER",
            "dns:QUERY here, because auto recognises Fly.io by FLY_APP_NAME, AWS ECS by ECS_CONTAINER_METADATA_URI_V4 and Kubernetes by KUBERNETES_SERVICE_HOST, and none of them is set",
            "auto"
        );

    /// <summary>An address that the platform put into a variable; null when it is unset.</summary>
    public static IPAddress? AddressOf(EnvironmentReader env, string name) => env.Text(name) is null ? null : env.Address(name, IPAddress.None);
}
