using System.Collections.Immutable;
using System.Net;
using Livebook.Cluster.Discovery;

namespace Livebook.Web.Configuration;

/// <summary>What the configuration asks about the machine; tests give another one.</summary>
internal sealed record Machine
{
    public static readonly Machine Real = new() { ReadFile = ReadText, Addresses = OwnAddress.All };

    /// <summary>The text of a file; null when it cannot be read.</summary>
    public required Func<string, string?> ReadFile { get; init; }

    /// <summary>The addresses of all interfaces.</summary>
    public required Func<ImmutableArray<IPAddress>> Addresses { get; init; }

    /// <summary>How long the network may take to tell where this node is.</summary>
    public TimeSpan Budget { get; init; } = TimeSpan.FromSeconds(10);

    private static string? ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
