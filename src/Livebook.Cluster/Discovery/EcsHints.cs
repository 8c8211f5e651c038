using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Livebook.Cluster.Discovery;

/// <summary>Asks the API of ECS where other tasks are. Rarely, because the whole account shares its limit, and ever more rarely while it refuses.</summary>
internal sealed class EcsHints(EcsApi api, bool ipv6, TimeProvider time) : IHints
{
    /// <summary>How long an answer counts.</summary>
    public static readonly TimeSpan Between = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private Hint? last;
    private TimeSpan asked;
    private TimeSpan pause = Between;

    public async Task<Hint> AskAsync(CancellationToken stop)
    {
        if (last is { } known && time.GetElapsedTime(0) - asked < pause)
        {
            return known;
        }
        last = await AskNowAsync(stop);
        asked = time.GetElapsedTime(0);
        pause =
            last.IsGood ? Between
            : pause * 2 < LongestPause ? pause * 2
            : LongestPause;
        return last;
    }

    private async Task<Hint> AskNowAsync(CancellationToken stop)
    {
        try
        {
            var family = ipv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
            ImmutableArray<IPAddress> own = [.. (await api.AddressesAsync(stop)).Where(address => address.AddressFamily == family)];
            return own.IsEmpty ? Hint.Failed($"cannot find tasks, retrying: ECS names none with an {(ipv6 ? "IPv6" : "IPv4")} address") : new(own, null);
        }
        catch (EcsException e)
        {
            return Hint.Failed($"cannot find tasks, retrying: {e.Message}");
        }
    }
}
