using System.Net;
using System.Net.Sockets;
using Livebook.Cluster;

namespace Livebook.Web.Configuration.Platforms;

/// <summary>AWS ECS and Fargate: the tasks of a service that run the same image are one cluster.</summary>
internal static class Ecs
{
    private const string CloudMap = "LIVEBOOK_CLOUD_MAP_NAME";
    private const string RelativeCredentials = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
    private const string FullCredentials = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

    /// <summary>Where a task asks for its credentials; the variable holds only the path.</summary>
    private static readonly Uri s_credentials = new("http://169.254.170.2");

    /// <summary>Credentials are asked for in clear text only where nobody listens: this machine, ECS, EKS.</summary>
    private static readonly string[] s_nearHosts = ["localhost", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];

    public static async Task<Platform> FindAsync(IReadOnlyList<Uri> places, EnvironmentReader env, StatedNode node, Machine machine, CancellationToken stop)
    {
        var metadata = await EcsMetadata.FetchAsync(places, machine.Budget, stop);
        if (node.Address is null && metadata.NetworkMode is "bridge" or "default" or "none" or "nat")
            throw new ConfigurationException(
                "LIVEBOOK_NODE",
                $"NAME@ADDRESS with an address of the host, because the task's network mode is {metadata.NetworkMode}, which gives it an address that no other machine reaches; better is network mode awsvpc",
                env.Text("LIVEBOOK_NODE")
            );
        if (node.Name is null && metadata.ImageId is null)
            throw new ConfigurationException(
                "LIVEBOOK_NODE",
                "NAME@ADDRESS, because the metadata endpoint of ECS does not tell the ImageID to name the cluster by",
                null
            );
        var addresses = metadata.Addresses().ToList();
        var wanted = ClusterPlace.WantsIpv6(env) ? AddressFamily.InterNetworkV6 : (AddressFamily?)null;
        var address = wanted is null ? addresses.FirstOrDefault() : addresses.FirstOrDefault(one => one.AddressFamily == wanted);
        var family = (node.Address ?? address)?.AddressFamily;
        var cloudMap = CloudMapName(env);
        return new Platform
        {
            Name = metadata.ImageId is { } image ? $"livebook-{Fly.ImageHash(image)}" : null,
            Address = address,
            DnsQuery = cloudMap,
            Ecs = cloudMap is null ? Source(metadata, env) : null,
            Ipv6 = family == AddressFamily.InterNetworkV6,
        };
    }

    private static string? CloudMapName(EnvironmentReader env)
    {
        var name = env.Text(CloudMap);
        return name is null || Uri.CheckHostName(name) == UriHostNameType.Dns
            ? name
            : throw new ConfigurationException(CloudMap, "SERVICE.NAMESPACE as Cloud Map names it in DNS", name);
    }

    private static EcsSource Source(EcsMetadata metadata, EnvironmentReader env)
    {
        if (Credentials(env) is not { } credentials)
            throw new ConfigurationException(
                CloudMap,
                $"SERVICE.NAMESPACE of Cloud Map, because the task has no role ({RelativeCredentials}) with which to ask ECS for other tasks; the other remedy is a task role with ecs:ListTasks and ecs:DescribeTasks",
                null
            );
        if ((env.Text("AWS_REGION") ?? env.Text("AWS_DEFAULT_REGION") ?? metadata.Region) is not { } region || !IsRegion(region))
            throw new ConfigurationException("AWS_REGION", "a region of AWS, because the metadata endpoint does not tell it", env.Text("AWS_REGION"));
        if (metadata.Cluster is not { } cluster || (metadata.Service ?? metadata.Family) is null)
            throw new ConfigurationException(
                CloudMap,
                $"SERVICE.NAMESPACE of Cloud Map, because the metadata endpoint does not tell the task's {(metadata.Cluster is null ? "cluster" : "service or family")}",
                null
            );
        return new EcsSource
        {
            Endpoint = Endpoint(env, region),
            Region = region,
            Cluster = cluster,
            Service = metadata.Service,
            Family = metadata.Family,
            Credentials = credentials,
            Authorization = env.Text("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
            AuthorizationFile = env.Text("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
        };
    }

    private static bool IsRegion(string region) => region.Length < 64 && region.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private static Uri Endpoint(EnvironmentReader env, string region)
    {
        foreach (var name in new[] { "AWS_ENDPOINT_URL_ECS", "AWS_ENDPOINT_URL" })
        {
            if (env.Text(name) is { } text)
                return Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
                    ? uri
                    : throw new ConfigurationException(name, "an http or https address", text);
        }
        return new Uri($"https://ecs.{region}.amazonaws.com{(region.StartsWith("cn-", StringComparison.Ordinal) ? ".cn" : "")}");
    }

    private static Uri? Credentials(EnvironmentReader env)
    {
        if (env.Text(RelativeCredentials) is { } path)
            return path.StartsWith('/') && Uri.TryCreate(s_credentials, path, out var near) && near.Host == s_credentials.Host
                ? near
                : throw new ConfigurationException(RelativeCredentials, "a path, as ECS gives it", path);
        if (env.Text(FullCredentials) is not { } text)
            return null;
        var safe =
            Uri.TryCreate(text, UriKind.Absolute, out var uri)
            && (
                uri.Scheme == "https"
                || (uri.Scheme == "http" && (s_nearHosts.Contains(uri.Host) || (IPAddress.TryParse(uri.Host, out var ip) && IPAddress.IsLoopback(ip))))
            );
        return safe ? uri : throw new ConfigurationException(FullCredentials, "an https address, or an http one of this machine or ECS", text);
    }
}
