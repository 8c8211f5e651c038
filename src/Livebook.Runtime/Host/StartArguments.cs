using System.Collections;
using System.Globalization;
using Livebook.Runtime.Connection;

namespace Livebook.Runtime.Host;

/// <summary>What the server gives a runtime when it starts it.</summary>
/// <param name="Socket">Path of the Unix socket to listen on.</param>
/// <param name="Hidden">A directory that user code must not reach; null = none.</param>
/// <param name="Shown">Directories below it that user code may reach nevertheless.</param>
internal sealed record StartArguments(string Socket, Patience Patience, string? Hidden, IReadOnlyList<string> Shown)
{
    /// <summary>
    /// Reads <c>--socket PATH</c>; <c>--patience SECONDS</c> shortens the wait for a server; <c>--hide DIRECTORY</c> and <c>--show DIRECTORY</c> restrict
    /// what user code can reach. Null when they make no sense.
    /// </summary>
    public static StartArguments? Parse(string[] arguments)
    {
        string? socket = null;
        string? hidden = null;
        var shown = new List<string>();
        var patience = Patience.Default;
        for (var i = 0; i + 1 < arguments.Length; i += 2)
            if (arguments[i] == "--socket")
                socket = arguments[i + 1];
            else if (arguments[i] == "--hide")
                hidden = arguments[i + 1];
            else if (arguments[i] == "--show")
                shown.Add(arguments[i + 1]);
            else if (arguments[i] == "--patience" && double.TryParse(arguments[i + 1], CultureInfo.InvariantCulture, out var seconds) && seconds > 0)
                patience = new Patience(TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(seconds));
            else
                return null;
        return socket is null ? null : new StartArguments(socket, patience, hidden, shown);
    }

    /// <summary>Removes the server's own settings from what user code can see.</summary>
    public static void CleanEnvironment()
    {
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
            if (variable.Key is string name && name.StartsWith("LIVEBOOK_", StringComparison.Ordinal))
                Environment.SetEnvironmentVariable(name, null);
    }
}
