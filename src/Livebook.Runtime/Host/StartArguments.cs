using System.Collections;
using System.Globalization;
using Livebook.Runtime.Connection;

namespace Livebook.Runtime.Host;

/// <summary>What the server gives a runtime when it starts it.</summary>
/// <param name="Socket">Path of the Unix socket to listen on.</param>
internal sealed record StartArguments(string Socket, Patience Patience)
{
    /// <summary>Reads <c>--socket PATH</c>; <c>--patience SECONDS</c> shortens the wait for a server. Null when they make no sense.</summary>
    public static StartArguments? Parse(string[] arguments)
    {
        string? socket = null;
        var patience = Patience.Default;
        for (var i = 0; i + 1 < arguments.Length; i += 2)
            if (arguments[i] == "--socket")
                socket = arguments[i + 1];
            else if (arguments[i] == "--patience" && double.TryParse(arguments[i + 1], CultureInfo.InvariantCulture, out var seconds) && seconds > 0)
                patience = new Patience(TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(seconds));
            else
                return null;
        return socket is null ? null : new StartArguments(socket, patience);
    }

    /// <summary>Removes the server's own settings from what user code can see.</summary>
    public static void CleanEnvironment()
    {
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
            if (variable.Key is string name && name.StartsWith("LIVEBOOK_", StringComparison.Ordinal))
                Environment.SetEnvironmentVariable(name, null);
    }
}
