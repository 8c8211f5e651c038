using System.Globalization;
using System.Net;

namespace Livebook.Web.Configuration;

/// <summary>Reads variables and checks them. An empty variable counts as unset.</summary>
internal sealed class EnvironmentReader(IReadOnlyDictionary<string, string> variables)
{
    public string? Text(string name) => variables.TryGetValue(name, out var value) && value.Length > 0 ? value : null;

    /// <summary>A secret: never repeated in an error.</summary>
    public string? Secret(string name, int minimumLength)
    {
        var value = Text(name);
        return value is null || value.Length >= minimumLength
            ? value
            : throw new ConfigurationException(name, $"at least {minimumLength} characters long", $"{value.Length} characters");
    }

    public long Integer(string name, long standard, long minimum, long maximum)
    {
        if (Text(name) is not { } text)
            return standard;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= minimum && value <= maximum
            ? value
            : throw new ConfigurationException(name, $"a whole number from {minimum} to {maximum}", text);
    }

    public bool Flag(string name, bool standard) =>
        Text(name) switch
        {
            null => standard,
            "true" or "1" => true,
            "false" or "0" => false,
            var other => throw new ConfigurationException(name, "true or false", other),
        };

    public IPAddress Address(string name, IPAddress standard)
    {
        if (Text(name) is not { } text)
            return standard;
        return IPAddress.TryParse(text, out var address) ? address : throw new ConfigurationException(name, "an IPv4 or IPv6 address", text);
    }

    /// <summary>ADDRESS or ADDRESS:PORT of a name server; null when it is unset.</summary>
    public IPEndPoint? EndPoint(string name, int port)
    {
        if (Text(name) is not { } text)
            return null;
        return IPEndPoint.TryParse(text, out var server)
            ? new IPEndPoint(server.Address, server.Port == 0 ? port : server.Port)
            : throw new ConfigurationException(name, "ADDRESS or ADDRESS:PORT of a DNS server", text);
    }

    /// <summary>The name or address of a host, without a port.</summary>
    public string? Host(string name) =>
        Text(name) is not { } text || Uri.CheckHostName(text) != UriHostNameType.Unknown
            ? Text(name)
            : throw new ConfigurationException(name, "the name of a host, e.g. livebook.example.com", text);

    /// <summary>A path prefix: empty, or starts with a slash and does not end with one.</summary>
    public string Prefix(string name, string standard)
    {
        if (Text(name) is not { } text)
            return standard;
        if (!text.StartsWith('/') || text.Contains("//", StringComparison.Ordinal) || text.AsSpan().ContainsAny("?#% \\\"<>"))
            throw new ConfigurationException(name, "a path that starts with a slash, e.g. /livebook", text);
        return text.TrimEnd('/');
    }

    /// <summary>A directory that can be written to.</summary>
    /// <param name="create">Make it when it is not there; only its owner can enter it then.</param>
    public string Directory(string name, string standard, bool create)
    {
        var given = Text(name);
        var path = Path.GetFullPath(given ?? standard);
        try
        {
            if (!System.IO.Directory.Exists(path))
            {
                if (!create)
                    throw new ConfigurationException(name, "a directory that exists", path);
                System.IO.Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
            var probe = Path.Combine(path, $".livebook-write-probe-{Environment.ProcessId}");
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
            return path;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException(name, $"a directory that can be written to ({error.Message})", path);
        }
    }
}
