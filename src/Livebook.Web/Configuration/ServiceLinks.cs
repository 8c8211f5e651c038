using System.Collections.Immutable;

namespace Livebook.Web.Configuration;

/// <summary>
/// Kubernetes gives every pod variables for the services of its namespace: one named livebook makes <c>LIVEBOOK_PORT=tcp://…</c>.
/// Such a value was never meant for this program.
/// </summary>
internal static class ServiceLinks
{
    /// <returns>The variables without them, and a line for each that would have meant something here.</returns>
    public static (IReadOnlyDictionary<string, string> Variables, ImmutableArray<string> Remarks) Remove(IReadOnlyDictionary<string, string> variables)
    {
        if (!variables.ContainsKey("KUBERNETES_SERVICE_HOST"))
            return (variables, []);
        var links = variables.Where(entry => IsLink(entry.Key, entry.Value)).Select(entry => entry.Key).Order(StringComparer.Ordinal).ToImmutableArray();
        return (
            variables.Where(entry => !links.Contains(entry.Key)).ToDictionary(StringComparer.Ordinal),
            [
                .. links
                    .Where(name => name is "LIVEBOOK_PORT" or "LIVEBOOK_IFRAME_PORT" or "LIVEBOOK_CLUSTER_PORT")
                    .Select(name => $"{name} is ignored: Kubernetes made it for a service of that name (enableServiceLinks: false leaves it out)"),
            ]
        );
    }

    private static bool IsLink(string name, string value) =>
        name.StartsWith("LIVEBOOK_", StringComparison.Ordinal)
        && name.EndsWith("_PORT", StringComparison.Ordinal)
        && Uri.TryCreate(value, UriKind.Absolute, out var uri)
        && (uri.Scheme is "tcp" or "udp" or "sctp");
}
