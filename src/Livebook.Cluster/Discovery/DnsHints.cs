using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using DnsClient;
using DnsClient.Protocol;
using Livebook.Cluster.Links;

namespace Livebook.Cluster.Discovery;

/// <summary>Asks DNS where other nodes may be. The system's resolvers and search list, or one given server.</summary>
internal sealed class DnsHints : IHints
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private const string NoAnswer = "no answer";

    private readonly LookupClient client;
    private readonly bool ipv6;
    private readonly ImmutableArray<string> names;

    public DnsHints(string query, bool ipv6, IPEndPoint? server)
    {
        var options = server is null ? new LookupClientOptions() : new LookupClientOptions(server);
        options.UseCache = false;
        options.Timeout = Patience;
        options.Retries = 0;
        options.ThrowDnsErrors = false;
        options.ContinueOnDnsError = true;
        client = new(options);
        this.ipv6 = ipv6;
        names = server is null ? ResolvConf.Names(query, ResolvConf.ReadSystem()) : [query];
    }

    public async Task<Hint> AskAsync(CancellationToken stop)
    {
        var why = "there is no name to ask for";
        foreach (var name in names)
        {
            var (addresses, error) = await AskAsync(name, ipv6 ? QueryType.AAAA : QueryType.A, stop);
            if (error is null && OfFamily(addresses) is { IsEmpty: false } own)
            {
                return new(own, null);
            }
            // Records of the other family say what is wrong, and may hold IPv4 addresses mapped into IPv6.
            (addresses, _) = error is null ? await AskAsync(name, ipv6 ? QueryType.A : QueryType.AAAA, stop) : ([], error);
            if (OfFamily(addresses) is { IsEmpty: false } mapped)
            {
                return new(mapped, null);
            }
            why =
                error is not null ? $"{name}: {error}"
                : addresses.IsEmpty ? $"{name} has no addresses"
                : $"{name} has only {(ipv6 ? "IPv4 addresses, and this node has an IPv6" : "IPv6 addresses, and this node has an IPv4")} address";
            if (error == NoAnswer)
            {
                // A server that is not there answers for no other name either.
                break;
            }
        }
        return Hint.Failed($"cannot resolve, retrying: {why}");
    }

    private ImmutableArray<IPAddress> OfFamily(ImmutableArray<IPAddress> addresses) =>
        [.. addresses.Where(address => address.AddressFamily == (ipv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork))];

    private async Task<(ImmutableArray<IPAddress> Addresses, string? Error)> AskAsync(string name, QueryType type, CancellationToken stop)
    {
        try
        {
            var response = await client.QueryAsync(name, type, cancellationToken: stop);
            return response.HasError
                ? ([], Explain(name, response.Header.ResponseCode, response.ErrorMessage))
                : ([.. response.Answers.OfType<AddressRecord>().Select(record => NodeName.Plain(record.Address)).Distinct()], null);
        }
        catch (DnsResponseException e) when (e.Code == DnsResponseCode.ConnectionTimeout)
        {
            return ([], NoAnswer);
        }
        catch (Exception e) when (e is DnsResponseException or InvalidOperationException or ArgumentException or SocketException)
        {
            return ([], e.Message);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return ([], NoAnswer);
        }
    }

    /// <summary>Kubernetes names only pods that are ready, and a node is ready when it has found the others: the service must name all of them.</summary>
    private static string Explain(string name, DnsHeaderResponseCode code, string message) =>
        code == DnsHeaderResponseCode.NotExistentDomain && name.Contains(".svc.", StringComparison.Ordinal)
            ? $"{message}; the headless service must exist with publishNotReadyAddresses: true; another one is named by LIVEBOOK_CLUSTER=dns:NAME"
            : message;
}
