using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Livebook.Cluster.Links;

/// <summary>What both sides tell each other once each knows that the other holds the cookie.</summary>
/// <param name="Lowest">Lowest protocol that this build speaks.</param>
/// <param name="Highest">Highest protocol that this build speaks.</param>
/// <param name="Cluster">Name of the cluster; different ones never join.</param>
/// <param name="Node">Full name, <c>base@address</c>.</param>
/// <param name="Incarnation">Current incarnation; 0 while there is none.</param>
/// <param name="KeyIds">
/// Ids of the secrets that this node signs cookies and encrypts settings with, separated by blanks: the present one, and while it is being
/// changed the previous one. Empty: does not say.
/// </param>
internal sealed record Hello(byte Lowest, byte Highest, string Cluster, string Node, long Incarnation, string KeyIds = "")
{
    /// <summary>Protocols of this build.</summary>
    public const byte LowestSpoken = 1;
    public const byte HighestSpoken = 1;

    private const int MaximumBytes = 1024;

    /// <summary>Null when the two may talk; else what is wrong with <paramref name="theirs"/>.</summary>
    public string? Refuse(Hello theirs) =>
        theirs.Lowest > Highest || theirs.Highest < Lowest ? Reasons.Protocol(theirs.Lowest, theirs.Highest, Lowest, Highest)
        : theirs.Cluster != Cluster ? Reasons.OtherCluster(theirs.Cluster)
        : NodeName.AddressOf(theirs.Node) is null ? Reasons.NoNode
        : !SharesKey(theirs) ? Reasons.OtherSecret
        : null;

    /// <summary>Nodes without a common secret would sign people out of each other, and could not read each other's settings.</summary>
    private bool SharesKey(Hello theirs) => KeyIds.Length == 0 || theirs.KeyIds.Length == 0 || KeyIds.Split(' ').Intersect(theirs.KeyIds.Split(' ')).Any();

    /// <summary>Writes a frame: length, range, then fields; a later protocol may add fields at the end.</summary>
    public async Task WriteAsync(Stream stream, CancellationToken stop)
    {
        using var buffer = new MemoryStream();
        using var writer = new BinaryWriter(buffer, Encoding.UTF8);
        writer.Write((ushort)0);
        writer.Write(Lowest);
        writer.Write(Highest);
        writer.Write(Cluster);
        writer.Write(Node);
        writer.Write(Incarnation);
        writer.Write(KeyIds);
        writer.Flush();
        var bytes = buffer.ToArray();
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)(bytes.Length - 2));
        await stream.WriteAsync(bytes, stop);
        await stream.FlushAsync(stop);
    }

    /// <exception cref="InvalidDataException">Not such a frame.</exception>
    public static async Task<Hello> ReadAsync(Stream stream, CancellationToken stop)
    {
        var head = new byte[2];
        await stream.ReadExactlyAsync(head, stop);
        var length = BinaryPrimitives.ReadUInt16LittleEndian(head);
        if (length > MaximumBytes)
        {
            throw new InvalidDataException("The greeting is too long.");
        }
        var body = new byte[length];
        await stream.ReadExactlyAsync(body, stop);
        return Parse(body);
    }

    private static Hello Parse(byte[] body)
    {
        try
        {
            using var reader = new BinaryReader(new MemoryStream(body), Encoding.UTF8);
            var hello = new Hello(reader.ReadByte(), reader.ReadByte(), reader.ReadString(), reader.ReadString(), reader.ReadInt64());
            // Builds before key ids end here.
            return reader.BaseStream.Position < body.Length ? hello with { KeyIds = reader.ReadString() } : hello;
        }
        catch (Exception e) when (e is EndOfStreamException or FormatException or DecoderFallbackException)
        {
            throw new InvalidDataException("The greeting is cut short.", e);
        }
    }
}

/// <summary>The parts of <c>base@address</c>.</summary>
internal static class NodeName
{
    /// <summary>The address, an IPv4 one written as IPv6 in its own form, or null when there is no IP literal behind the @.</summary>
    public static IPAddress? AddressOf(string node)
    {
        var at = node.LastIndexOf('@');
        return at > 0 && IPAddress.TryParse(node.AsSpan(at + 1), out var address) ? Plain(address) : null;
    }

    /// <summary>An address is the same whether a resolver writes it as IPv4 or maps it into IPv6.</summary>
    public static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    public static string BaseOf(string node) => node[..Math.Max(0, node.LastIndexOf('@'))];
}
