using System.Collections.Frozen;

namespace Livebook.Core.Imports;

/// <summary>What .NET Interactive and Jupyter call languages, and what we call them.</summary>
internal static class KernelNames
{
    public const string Markdown = "markdown";

    private static readonly FrozenDictionary<string, string> s_languages = new Dictionary<string, string>
    {
        ["csharp"] = "csharp",
        ["c#"] = "csharp",
        ["cs"] = "csharp",
        ["fsharp"] = "fsharp",
        ["f#"] = "fsharp",
        ["fs"] = "fsharp",
        ["pwsh"] = "powershell",
        ["powershell"] = "powershell",
        ["javascript"] = "javascript",
        ["js"] = "javascript",
        ["html"] = "html",
        ["sql"] = "sql",
        ["kql"] = "kql",
        ["python"] = "python",
        ["python3"] = "python",
        ["mermaid"] = "mermaid",
        ["http"] = "http",
        ["value"] = "value",
        ["r"] = "r",
        ["markdown"] = Markdown,
        ["md"] = Markdown,
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>Our name for a kernel that a magic command names; null if it names none.</summary>
    public static string? OfMagic(string name) => s_languages.GetValueOrDefault(name);

    /// <summary>Our name for a language or kernel, whatever it is; null for names that say nothing.</summary>
    public static string? Of(string? name)
    {
        if (string.IsNullOrWhiteSpace(name))
            return null;
        foreach (var prefix in (ReadOnlySpan<string>)["dotnet-interactive.", ".net-"])
        {
            if (name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
                name = name[prefix.Length..];
        }

        if (name is "polyglot-notebook" or "dotnet-interactive" or ".NET")
            return null;
        return s_languages.GetValueOrDefault(name) ?? name.ToLowerInvariant();
    }

    /// <summary>Their name for a language of ours.</summary>
    public static string Theirs(string language) => language == "powershell" ? "pwsh" : language;
}
