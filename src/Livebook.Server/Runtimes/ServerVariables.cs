using System.Collections.Immutable;

namespace Livebook.Server.Runtimes;

/// <summary>Which environment variables are the server's alone: its settings, its secrets, and what lets code act as the machine it runs on.</summary>
public static class ServerVariables
{
    private static readonly ImmutableArray<string> Prefixes = ["LIVEBOOK_", "RELEASE_", "LB_", "ASPNETCORE_", "Kestrel__", "AWS_CONTAINER_", "ECS_", "OTEL_"];

    private static readonly ImmutableArray<string> Names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE"];

    /// <summary>Whether a runtime, and anything else that the server starts, must not get the variable.</summary>
    public static bool Contain(string name) =>
        Prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) || Names.Contains(name, StringComparer.OrdinalIgnoreCase);
}
