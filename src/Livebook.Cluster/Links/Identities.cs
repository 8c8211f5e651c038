using System.Collections.Concurrent;
using System.Net;

namespace Livebook.Cluster.Links;

/// <summary>
/// The identities that a node has: of its cookie, and while the cookie is being changed on one node after the other, of the previous one too.
/// The caller names the identity that it means (as the server name of TLS), the called node answers with the same one if it has it.
/// </summary>
internal sealed class Identities(Identity present, Identity? previous = null) : IDisposable
{
    /// <summary>With which one an address let us in last, so that a change of the cookie does not knock twice each time.</summary>
    private readonly ConcurrentDictionary<IPAddress, Identity> lastGood = new();

    /// <summary>The one that a caller asks for; the present one when it asks for none of ours.</summary>
    public Identity Of(string? serverName) => previous is not null && serverName == previous.ServerName ? previous : present;

    /// <summary>Which ones to try at an address, in order.</summary>
    public IEnumerable<Identity> For(IPAddress address)
    {
        if (previous is null)
        {
            return [present];
        }
        return lastGood.GetValueOrDefault(address) == previous ? [previous, present] : [present, previous];
    }

    public void Remember(IPAddress address, Identity identity)
    {
        if (previous is not null)
        {
            lastGood[address] = identity;
        }
    }

    public void Dispose()
    {
        present.Dispose();
        previous?.Dispose();
    }
}
