using System.Net;
using System.Net.Sockets;
using Livebook.Cluster;
using Livebook.Cluster.Discovery;
using Livebook.Web.Configuration.Platforms;

namespace Livebook.Web.Configuration;

/// <summary>Which node this is and how it finds the others.</summary>
internal sealed record ClusterPlace
{
    private const string DefaultName = "livebook";

    /// <summary>Full name, with the address in its canonical form.</summary>
    public required string Node { get; init; }

    /// <summary>Null = the name in front of the address.</summary>
    public string? ClusterName { get; init; }
    public string? DnsQuery { get; init; }
    public EcsSource? Ecs { get; init; }
    public bool Ipv6 { get; init; }

    /// <summary>The place as far as variables alone tell it; null when the network has to be asked.</summary>
    /// <exception cref="ConfigurationException">A variable is wrong.</exception>
    public static ClusterPlace? Stated(EnvironmentReader env)
    {
        var node = StatedNode.Read(env);
        var ipv6 = WantsIpv6(env);
        var cluster = ReadCluster(env);
        if (cluster is null)
            return At(node.Name ?? DefaultName, node.Address ?? (ipv6 ? IPAddress.IPv6Loopback : IPAddress.Loopback));
        CheckFamily(env, node, ipv6);
        return cluster != "auto" && node.Address is { } address ? At(node.Name!, address) with { DnsQuery = cluster["dns:".Length..] } : null;
    }

    /// <summary>The place, asking the platform and DNS for what variables do not tell; within <see cref="Machine.Budget"/>.</summary>
    /// <exception cref="ConfigurationException">A variable is wrong, or must be set because nothing else tells.</exception>
    public static async Task<ClusterPlace> FindAsync(EnvironmentReader env, Machine machine, CancellationToken stop)
    {
        if (Stated(env) is { } stated)
            return stated;
        var node = StatedNode.Read(env);
        var cluster = ReadCluster(env)!;
        var platform = cluster == "auto" ? await Platform.FindAsync(env, node, machine, stop) : new Platform { DnsQuery = cluster["dns:".Length..] };
        var ipv6 = platform.Ipv6 || WantsIpv6(env);
        CheckFamily(env, node, ipv6);
        var address = node.Address ?? platform.Address ?? await OwnAddressAsync(env, platform, ipv6, machine, stop);
        return At(node.Name ?? platform.Name ?? DefaultName, address) with
        {
            ClusterName = platform.ClusterName,
            DnsQuery = platform.DnsQuery,
            Ecs = platform.Ecs,
        };
    }

    /// <summary>Whether flags of the Erlang VM, which people set for Livebook, choose IPv6 for links between nodes.</summary>
    public static bool WantsIpv6(EnvironmentReader env) =>
        new[] { "ERL_AFLAGS", "ERL_ZFLAGS" }.Any(name =>
        {
            var words = (env.Text(name) ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return words.Zip(words.Skip(1)).Any(pair => pair is ("-proto_dist", "inet6_tcp" or "inet6_tls"));
        });

    private static ClusterPlace At(string name, IPAddress address) =>
        new() { Node = $"{name}@{address}", Ipv6 = address.AddressFamily == AddressFamily.InterNetworkV6 };

    private static string? ReadCluster(EnvironmentReader env) =>
        env.Text("LIVEBOOK_CLUSTER") switch
        {
            null => null,
            "auto" => "auto",
            var text when text.StartsWith("dns:", StringComparison.Ordinal) && IsName(text["dns:".Length..]) => text,
            var other => throw new ConfigurationException("LIVEBOOK_CLUSTER", "auto, or dns:QUERY with a name to ask for", other),
        };

    private static bool IsName(string query) => query.Length is > 0 and < 255 && query.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private static void CheckFamily(EnvironmentReader env, StatedNode node, bool ipv6)
    {
        if (ipv6 && node.Address is { AddressFamily: AddressFamily.InterNetwork })
            throw new ConfigurationException("LIVEBOOK_NODE", "NAME@ADDRESS with an IPv6 address, because node links are IPv6 here", env.Text("LIVEBOOK_NODE"));
    }

    private static async Task<IPAddress> OwnAddressAsync(EnvironmentReader env, Platform platform, bool ipv6, Machine machine, CancellationToken stop)
    {
        var found = await OwnAddress.FindAsync(
            machine.Addresses(),
            platform.DnsQuery,
            ipv6,
            env.EndPoint("LIVEBOOK_DNS_SERVER", 53),
            machine.Budget,
            TimeProvider.System,
            stop
        );
        return found.Address
            ?? throw new ConfigurationException(
                "LIVEBOOK_NODE",
                $"NAME@ADDRESS with the address at which other nodes reach this one ({found.Why})",
                env.Text("LIVEBOOK_NODE")
            );
    }
}
