namespace Livebook.Runtime.Capture;

/// <summary>Console colours as ANSI codes.</summary>
internal static class ConsoleColors
{
    /// <summary>Makes <see cref="System.Console"/> write colour codes although its output is a pipe. Before it is used for the first time.</summary>
    public static void Allow()
    {
        Environment.SetEnvironmentVariable("DOTNET_SYSTEM_CONSOLE_ALLOW_ANSI_COLOR_REDIRECTION", "1");
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("TERM")) || Environment.GetEnvironmentVariable("TERM") == "dumb")
            Environment.SetEnvironmentVariable("TERM", "xterm-256color");
    }

    /// <summary>Whether the source mentions colours, so that codes on the descriptor must be kept in order with text.</summary>
    public static bool MayBeUsedBy(string source) =>
        source.Contains("ForegroundColor", StringComparison.Ordinal)
        || source.Contains("BackgroundColor", StringComparison.Ordinal)
        || source.Contains("ResetColor", StringComparison.Ordinal);
}
