using System.Collections.Immutable;

namespace Livebook.Runtime.Host;

/// <summary>The environment variables that the server sets for user code. One caller at a time.</summary>
internal sealed class CodeVariables
{
    /// <summary>What variables had been before they were set; null = not there.</summary>
    private readonly Dictionary<string, string?> first = new(StringComparer.Ordinal);

    /// <summary>Sets these; those of the last time that are not among them get their first values again.</summary>
    public void Set(ImmutableSortedDictionary<string, string> variables)
    {
        foreach (var name in first.Keys.Where(name => !variables.ContainsKey(name)).ToList())
        {
            Environment.SetEnvironmentVariable(name, first[name]);
            first.Remove(name);
        }
        foreach (var (name, value) in variables)
        {
            first.TryAdd(name, Environment.GetEnvironmentVariable(name));
            Environment.SetEnvironmentVariable(name, value);
        }
    }
}
