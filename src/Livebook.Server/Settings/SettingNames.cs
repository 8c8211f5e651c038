using System.Text.RegularExpressions;

namespace Livebook.Server.Settings;

/// <summary>What secrets and variables may be called.</summary>
public static partial class SettingNames
{
    /// <summary>In front of a secret's name, in the environment of code.</summary>
    public const string SecretPrefix = "LB_";

    private const int MaximumLength = 200;

    /// <summary>Variables that belong to the server.</summary>
    private static readonly string[] ReservedPrefixes = [SecretPrefix, "LIVEBOOK_", "RELEASE_"];

    /// <summary>A secret's name as it is kept: upper case. Null when it is none.</summary>
    public static string? OfSecret(string name) =>
        name.Length <= MaximumLength && SecretPattern().IsMatch(name.ToUpperInvariant()) ? name.ToUpperInvariant() : null;

    public const string SecretRule = "must be 1 to 200 of A-Z, 0-9 and _";

    /// <summary>A variable's name as it is kept: upper case where it was written in lower case; names like <c>DOTNET_gcServer</c> stay. Null when it is none.</summary>
    public static string? OfVariable(string name)
    {
        var kept = name.Any(char.IsAsciiLetterUpper) ? name : name.ToUpperInvariant();
        return
            name.Length <= MaximumLength
            && VariablePattern().IsMatch(kept)
            && !ReservedPrefixes.Any(prefix => kept.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            ? kept
            : null;
    }

    public const string VariableRule = "must be letters, digits and _, and not begin with a digit, LB_, LIVEBOOK_ or RELEASE_";

    [GeneratedRegex("^[A-Z0-9_]+$", RegexOptions.CultureInvariant)]
    private static partial Regex SecretPattern();

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]*$", RegexOptions.CultureInvariant)]
    private static partial Regex VariablePattern();
}
