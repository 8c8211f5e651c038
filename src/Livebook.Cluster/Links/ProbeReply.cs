using System.Collections.Immutable;
using System.Text;

namespace Livebook.Cluster.Links;

/// <summary>How far a probed node is.</summary>
internal enum ProbeStatus : byte
{
    None,
    Joining,
    Up,
    Minority,
}

/// <summary>A member as one node knows it.</summary>
internal readonly record struct PeerKey(string Address, long Incarnation);

/// <summary>What a node answers to a probe.</summary>
/// <param name="Settled">It misses nobody.</param>
/// <param name="Members">Everybody it counts as a member, itself too.</param>
internal sealed record ProbeReply(ProbeStatus Status, bool Settled, ImmutableArray<PeerKey> Members)
{
    private const int MaximumMembers = 1000;

    public byte[] ToBytes()
    {
        using var buffer = new MemoryStream();
        using var writer = new BinaryWriter(buffer, Encoding.UTF8);
        writer.Write((byte)Status);
        writer.Write(Settled);
        writer.Write((ushort)Members.Length);
        foreach (var member in Members)
        {
            writer.Write(member.Address);
            writer.Write(member.Incarnation);
        }
        writer.Flush();
        return buffer.ToArray();
    }

    /// <exception cref="InvalidDataException">Not such a reply.</exception>
    public static async Task<ProbeReply> ReadAsync(Stream stream, CancellationToken stop)
    {
        using var buffer = new MemoryStream();
        await stream.CopyToAsync(buffer, stop);
        buffer.Position = 0;
        using var reader = new BinaryReader(buffer, Encoding.UTF8);
        try
        {
            var status = (ProbeStatus)reader.ReadByte();
            var settled = reader.ReadBoolean();
            var count = reader.ReadUInt16();
            if (count > MaximumMembers || !Enum.IsDefined(status))
            {
                throw new InvalidDataException("The answer to a probe makes no sense.");
            }
            var members = ImmutableArray.CreateBuilder<PeerKey>(count);
            for (var i = 0; i < count; i++)
            {
                members.Add(new(reader.ReadString(), reader.ReadInt64()));
            }
            return new(status, settled, members.MoveToImmutable());
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDataException("The answer to a probe is cut short.", e);
        }
    }
}
