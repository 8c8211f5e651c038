using System.Net;

namespace Livebook.Web.Configuration;

/// <summary>What LIVEBOOK_NODE says: a name, and an address where others reach this node. Either may be missing.</summary>
internal sealed record StatedNode(string? Name, IPAddress? Address)
{
    private const string Expected = "NAME@ADDRESS: a name of letters, digits, _ and -, and an IP address";

    /// <exception cref="ConfigurationException">It can be no node of anything.</exception>
    public static StatedNode Read(EnvironmentReader env)
    {
        if (env.Text("LIVEBOOK_NODE") is not { } text)
            return new StatedNode(null, null);
        var parts = text.Split('@');
        var name = parts[0];
        if (parts.Length > 2 || name.Length == 0 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
            throw new ConfigurationException("LIVEBOOK_NODE", Expected, text);
        if (parts.Length == 1 || parts[1] is "" or "localhost")
            return new StatedNode(name, null);
        if (!IPAddress.TryParse(parts[1], out var address))
            throw new ConfigurationException("LIVEBOOK_NODE", Expected, text);
        if (address.IsIPv6LinkLocal || address.IsIPv6Multicast)
            throw new ConfigurationException("LIVEBOOK_NODE", "NAME@ADDRESS with an address that other machines can reach", text);
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        var usable = !address.Equals(IPAddress.Loopback) && !address.Equals(IPAddress.IPv6Loopback);
        return new StatedNode(name, usable && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any) ? address : null);
    }
}
