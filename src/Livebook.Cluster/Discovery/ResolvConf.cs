using System.Collections.Immutable;

namespace Livebook.Cluster.Discovery;

/// <summary>The search list of the system's resolver; short names need it (<c>livebook-headless</c> in Kubernetes).</summary>
internal sealed record ResolvConf(ImmutableArray<string> Search, int Dots)
{
    private const string Path = "/etc/resolv.conf";

    public static ResolvConf ReadSystem()
    {
        try
        {
            return Parse(File.ReadAllLines(Path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Parse([]);
        }
    }

    public static ResolvConf Parse(IEnumerable<string> lines)
    {
        ImmutableArray<string> search = [];
        var dots = 1;
        foreach (var line in lines)
        {
            var words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (words is ["search" or "domain", .. var domains])
            {
                search = [.. domains.Select(domain => domain.TrimEnd('.')).Where(domain => domain.Length > 0)];
            }
            else if (words is ["options", .. var options])
            {
                foreach (var option in options)
                {
                    if (option.StartsWith("ndots:", StringComparison.Ordinal) && int.TryParse(option.AsSpan(6), out var parsed))
                    {
                        dots = parsed;
                    }
                }
            }
        }
        return new(search, dots);
    }

    /// <summary>The names to try, in order. A name that ends in a dot is complete.</summary>
    public static ImmutableArray<string> Names(string query, ResolvConf conf)
    {
        if (query.EndsWith('.'))
        {
            return [query];
        }
        var searched = conf.Search.Select(domain => $"{query}.{domain}.");
        return query.Count(c => c == '.') >= conf.Dots ? [query, .. searched] : [.. searched, query];
    }
}
