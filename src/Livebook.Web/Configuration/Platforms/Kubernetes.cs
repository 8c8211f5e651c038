using System.Net;
using System.Net.Sockets;

namespace Livebook.Web.Configuration.Platforms;

/// <summary>Kubernetes: the pods behind a headless service of a fixed name are one cluster.</summary>
internal static class Kubernetes
{
    /// <summary>Name of the headless service; another one is named by <c>LIVEBOOK_CLUSTER=dns:…</c>.</summary>
    public const string Service = "livebook-headless";

    public const string NamespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
    public const string ResolvConf = "/etc/resolv.conf";

    private const string DefaultDomain = "cluster.local";

    public static Platform Read(EnvironmentReader env, Machine machine)
    {
        var searched = (machine.ReadFile(ResolvConf) ?? "")
            .Split('\n')
            .Select(line => line.Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries))
            .LastOrDefault(words => words is ["search" or "domain", ..])
            ?.Skip(1)
            .Select(domain => domain.TrimEnd('.'))
            .ToArray();
        var space = env.Text("POD_NAMESPACE") ?? machine.ReadFile(NamespaceFile)?.Trim();
        if (string.IsNullOrEmpty(space))
            space = searched?.Select(domain => domain.Split('.')).FirstOrDefault(parts => parts is [_, "svc", ..])?[0];
        if (string.IsNullOrEmpty(space))
            throw new ConfigurationException(
                "POD_NAMESPACE",
                $"the pod's namespace (metadata.namespace by the downward API), because {NamespaceFile} and the search domains of {ResolvConf} do not tell it",
                null
            );
        var domain = searched?.FirstOrDefault(domain => domain.StartsWith("svc.", StringComparison.Ordinal))?["svc.".Length..] ?? DefaultDomain;
        return new Platform
        {
            Address = Address(env),
            // Complete, with a dot at its end: the search list would only ask for names that do not exist.
            DnsQuery = $"{Service}.{space}.svc.{domain}.",
        };
    }

    private static IPAddress? Address(EnvironmentReader env)
    {
        var first = Platform.AddressOf(env, "POD_IP");
        if (!ClusterPlace.WantsIpv6(env) || first is { AddressFamily: AddressFamily.InterNetworkV6 })
            return first;
        return (env.Text("POD_IPS") ?? "")
            .Split(',', StringSplitOptions.TrimEntries)
            .Select(text => IPAddress.TryParse(text, out var address) ? address : null)
            .FirstOrDefault(address => address is { AddressFamily: AddressFamily.InterNetworkV6 });
    }
}
