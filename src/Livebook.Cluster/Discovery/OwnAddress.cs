using System.Collections.Immutable;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Livebook.Cluster.Discovery;

/// <summary>What <see cref="OwnAddress"/> found: an address, or why there is none, for a person.</summary>
public sealed record FoundAddress(IPAddress? Address, string Why);

/// <summary>Works out at which of its addresses other nodes reach this one.</summary>
public static class OwnAddress
{
    /// <summary>A name server that does not answer is asked again at least this often.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(500);

    /// <summary>One question may take this long whatever the budget is.</summary>
    private static readonly TimeSpan OneAnswer = TimeSpan.FromSeconds(3);

    /// <summary>The addresses of this machine's interfaces.</summary>
    public static ImmutableArray<IPAddress> All() =>
        [
            .. NetworkInterface
                .GetAllNetworkInterfaces()
                .Where(card => card.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown)
                .SelectMany(card => card.GetIPProperties().UnicastAddresses)
                .Select(unicast => unicast.Address),
        ];

    /// <summary>
    /// The own address that DNS names; else the only one that others can route to. Loopback only when DNS names it.
    /// </summary>
    /// <param name="own">Addresses of this machine.</param>
    /// <param name="query">What discovery asks for; null = it does not ask DNS.</param>
    /// <param name="ipv6">True: only IPv6 will do. False: either, IPv4 first.</param>
    /// <param name="server">Name server to ask; null = the system's.</param>
    /// <param name="budget">How long DNS may take before it is decided without it.</param>
    public static async Task<FoundAddress> FindAsync(
        IEnumerable<IPAddress> own,
        string? query,
        bool ipv6,
        IPEndPoint? server,
        TimeSpan budget,
        TimeProvider time,
        CancellationToken stop
    )
    {
        ImmutableArray<IPAddress> mine =
        [
            .. own.Select(Links.NodeName.Plain)
                .Where(address => !address.IsIPv6LinkLocal && !IsLinkLocal(address) && (!ipv6 || IsV6(address)))
                .Distinct()
                .OrderBy(IsV6)
                .ThenBy(address => address, AddressOrder.Instance),
        ];
        var routable = mine.Where(address => !IPAddress.IsLoopback(address)).ToImmutableArray();
        var started = time.GetTimestamp();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(budget < OneAnswer ? OneAnswer : budget);
        var error = "nobody was asked";
        while (query is not null)
        {
            var (named, why) = await NamedAsync(query, ipv6, server, limit.Token, stop);
            error = why ?? $"{query} names none of them";
            if (mine.FirstOrDefault(named.Contains) is { } known)
            {
                return new(known, "");
            }
            var fitting = routable.Where(address => named.IsEmpty || named.Any(other => IsV6(other) == IsV6(address))).ToImmutableArray();
            if (fitting.Length == 1)
            {
                return new(fitting[0], "");
            }
            if (routable.IsEmpty || limit.IsCancellationRequested || time.GetElapsedTime(started) >= budget)
            {
                break;
            }
            await Task.Delay(Again, time, stop);
        }
        // Nobody says which family the others have: IPv4 is what they look for unless they were told otherwise.
        var last = routable.Where(address => IsV6(address) == (ipv6 || routable.All(IsV6))).ToImmutableArray();
        var kind = ipv6 ? "IPv6 address" : "address";
        return last.Length == 1 ? new(last[0], "")
            : last.IsEmpty ? new(null, $"this machine has no {kind} that others can reach")
            : new(null, $"this machine has several addresses ({string.Join(", ", last)}), and {error}");
    }

    private static async Task<(ImmutableHashSet<IPAddress> Named, string? Error)> NamedAsync(
        string query,
        bool ipv6,
        IPEndPoint? server,
        CancellationToken limit,
        CancellationToken stop
    )
    {
        try
        {
            var asked = new DnsHints(query, ipv6: true, server).AskAsync(limit);
            var four = ipv6 ? await asked : await new DnsHints(query, ipv6: false, server).AskAsync(limit);
            var six = await asked;
            return ([.. six.Addresses, .. four.Addresses], six.IsGood || four.IsGood ? null : four.Error);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return ([], $"{query} cannot be resolved: no answer");
        }
    }

    private static bool IsV6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6;

    /// <summary>169.254/16 (RFC 3927).</summary>
    private static bool IsLinkLocal(IPAddress address) => !IsV6(address) && address.GetAddressBytes() is [169, 254, ..];
}
