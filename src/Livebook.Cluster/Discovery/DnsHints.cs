using System.Collections.Immutable;
using System.Net;
using DnsClient;
using DnsClient.Protocol;

namespace Livebook.Cluster.Discovery;

/// <summary>One answer of discovery: addresses, or why there are none. Never both.</summary>
internal sealed record Hint(ImmutableArray<IPAddress> Addresses, string? Error)
{
    public bool IsGood => Error is null;

    public static Hint Failed(string error) => new([], error);
}

/// <summary>Asks DNS where other nodes may be. The system's resolvers and search list, or one given server.</summary>
internal sealed class DnsHints
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly LookupClient client;
    private readonly QueryType type;
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
        type = ipv6 ? QueryType.AAAA : QueryType.A;
        names = server is null ? ResolvConf.Names(query, ResolvConf.ReadSystem()) : [query];
    }

    public async Task<Hint> AskAsync(CancellationToken stop)
    {
        var hint = Hint.Failed("no name to ask for");
        foreach (var name in names)
        {
            hint = await AskAsync(name, stop);
            if (hint.IsGood)
            {
                return hint;
            }
        }
        return hint;
    }

    private async Task<Hint> AskAsync(string name, CancellationToken stop)
    {
        try
        {
            var response = await client.QueryAsync(name, type, cancellationToken: stop);
            if (response.HasError)
            {
                return Hint.Failed($"{name}: {response.ErrorMessage}");
            }
            ImmutableArray<IPAddress> addresses = [.. response.Answers.OfType<AddressRecord>().Select(record => record.Address).Distinct()];
            return addresses.IsEmpty ? Hint.Failed($"{name}: no {type} records") : new(addresses, null);
        }
        catch (Exception e) when (e is DnsResponseException or InvalidOperationException or ArgumentException or System.Net.Sockets.SocketException)
        {
            return Hint.Failed($"{name}: {e.Message}");
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return Hint.Failed($"{name}: no answer");
        }
    }
}
