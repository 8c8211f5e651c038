using System.Collections.Immutable;
using System.Net;

namespace Livebook.Cluster.Discovery;

/// <summary>The addresses of the last fellow members, on disk: a node that starts while DNS is down finds its way back by them.</summary>
internal sealed class LastMembers
{
    private const int Maximum = 100;

    private readonly string? path;

    /// <param name="dataPath">Directory of this node; empty = nothing is kept.</param>
    public LastMembers(string dataPath)
    {
        path = dataPath.Length == 0 ? null : Path.Combine(dataPath, "last-members");
        Addresses = Read(path);
    }

    public ImmutableArray<IPAddress> Addresses { get; private set; }

    /// <summary>Keeps them when they changed and are more than this node.</summary>
    public void Keep(IEnumerable<string> members)
    {
        ImmutableArray<IPAddress> now = [.. members.Select(IPAddress.Parse).Order(AddressOrder.Instance).Take(Maximum)];
        if (now.Length < 2 || now.SequenceEqual(Addresses))
        {
            return;
        }
        Addresses = now;
        if (path is null)
        {
            return;
        }
        try
        {
            var next = $"{path}.next";
            File.WriteAllLines(next, now.Select(address => address.ToString()));
            File.Move(next, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A convenience for the next start; the disk that logs need is watched elsewhere.
        }
    }

    private static ImmutableArray<IPAddress> Read(string? path)
    {
        try
        {
            return path is null || !File.Exists(path)
                ? []
                : [.. File.ReadLines(path).Take(Maximum).Select(line => IPAddress.TryParse(line, out var address) ? address : null).OfType<IPAddress>()];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
