using System.Collections.Immutable;
using Livebook.Core.Sessions;

namespace Livebook.Server.Settings;

/// <summary>The variables that code of a session sees besides those of its process: the settings' variables, and the secrets that the session may use (R8, X2).</summary>
internal static class CodeEnvironment
{
    private const string Path = "PATH";

    /// <param name="systemPath">The server's own PATH; a PATH of the settings is added behind it.</param>
    public static ImmutableSortedDictionary<string, string> Of(Settings settings, SessionState session, string? systemPath)
    {
        var variables = settings.Variables.ToBuilder();
        if (variables.TryGetValue(Path, out var more) && systemPath is { Length: > 0 })
            variables[Path] = $"{systemPath}{System.IO.Path.PathSeparator}{more}";
        var secrets = settings.Secrets;
        foreach (var name in session.AllowedSecrets)
        {
            if (secrets.TryGetValue(name, out var value))
                Add(name, value);
        }
        foreach (var (name, text) in session.Secrets)
        {
            if (settings.OpenForSession(session.Id, name, text) is { } value)
                Add(name, value);
        }
        return variables.ToImmutable();

        // No variable can hold what ends one.
        void Add(string name, string value) => variables[SettingNames.SecretPrefix + name] = value.Replace("\0", "", StringComparison.Ordinal);
    }
}
