namespace Livebook.Web.Configuration;

/// <summary>A variable is wrong: one line that says which, what was found and what is expected.</summary>
public sealed class ConfigurationException(string variable, string expected, string? found)
    : Exception(found is null ? $"{variable} must be {expected}, but it is not set" : $"{variable} must be {expected}, found \"{OneLine(found)}\"")
{
    private static string OneLine(string text) => text.Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
