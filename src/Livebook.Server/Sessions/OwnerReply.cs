using System.Buffers.Binary;
using System.Text;

namespace Livebook.Server.Sessions;

/// <summary>What an owner says to a <see cref="SessionRequest"/>: a status, two numbers (epoch and version, for joins) and a body.</summary>
internal readonly record struct OwnerReply(OwnerReplyStatus Status, long Epoch, long Version, ReadOnlyMemory<byte> Body)
{
    public static OwnerReply Ok(ReadOnlyMemory<byte> body, long epoch = 0, long version = 0) => new(OwnerReplyStatus.Ok, epoch, version, body);

    public static OwnerReply NotHere { get; } = new(OwnerReplyStatus.NotHere, 0, 0, default);

    public static OwnerReply Failed(string reason) => new(OwnerReplyStatus.Failed, 0, 0, Encoding.UTF8.GetBytes(reason));

    public string Reason => Encoding.UTF8.GetString(Body.Span);

    public byte[] ToBytes()
    {
        var bytes = new byte[17 + Body.Length];
        bytes[0] = (byte)Status;
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(1), Epoch);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(9), Version);
        Body.CopyTo(bytes.AsMemory(17));
        return bytes;
    }

    /// <exception cref="InvalidDataException">Not a reply.</exception>
    public static OwnerReply Parse(ReadOnlyMemory<byte> bytes) =>
        bytes.Length < 17
            ? throw new InvalidDataException("an owner's reply is cut short")
            : new OwnerReply(
                (OwnerReplyStatus)bytes.Span[0],
                BinaryPrimitives.ReadInt64LittleEndian(bytes.Span[1..]),
                BinaryPrimitives.ReadInt64LittleEndian(bytes.Span[9..]),
                bytes[17..]
            );
}

internal enum OwnerReplyStatus : byte
{
    Ok = 1,

    /// <summary>That node does not serve the session (any more, or not yet): ask the owner again.</summary>
    NotHere = 2,

    /// <summary>The body says why, for a person.</summary>
    Failed = 3,
}
