using System.Collections.Immutable;
using System.Text;
using Akka.Actor;
using Akka.Serialization;

namespace Livebook.Cluster.Membership;

/// <summary>What the mesh actors of two nodes say to each other.</summary>
internal abstract record MeshMessage
{
    /// <summary>Bytes for whoever lives on top, between two incarnations.</summary>
    public sealed record Payload(long From, long To, ReadOnlyMemory<byte> Bytes) : MeshMessage;

    /// <summary>A sign of life, with whom the sender hears itself and whom it found dead (by incarnation).</summary>
    public sealed record Pulse(long From, ImmutableArray<long> Heard, ImmutableArray<long> Dead) : MeshMessage;

    /// <summary>This island gives way to a larger one: everybody in it joins anew.</summary>
    public sealed record Yield(long From) : MeshMessage;
}

/// <summary>Their bytes. The only types of ours that travel.</summary>
internal sealed class MeshSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    private const int Number = 825;

    public override int Identifier => Number;

    public override string Manifest(object o) =>
        o switch
        {
            MeshMessage.Payload => "m",
            MeshMessage.Pulse => "p",
            MeshMessage.Yield => "y",
            _ => throw Unknown(o.GetType().Name),
        };

    public override byte[] ToBinary(object obj)
    {
        using var buffer = new MemoryStream(obj is MeshMessage.Payload { Bytes.Length: var length } ? length + 16 : 64);
        using var writer = new BinaryWriter(buffer, Encoding.UTF8);
        switch (obj)
        {
            case MeshMessage.Payload payload:
                writer.Write(payload.From);
                writer.Write(payload.To);
                writer.Write(payload.Bytes.Span);
                break;
            case MeshMessage.Pulse pulse:
                writer.Write(pulse.From);
                Write(writer, pulse.Heard);
                Write(writer, pulse.Dead);
                break;
            case MeshMessage.Yield yield:
                writer.Write(yield.From);
                break;
            default:
                throw Unknown(obj.GetType().Name);
        }
        writer.Flush();
        return buffer.GetBuffer().Length == buffer.Length ? buffer.GetBuffer() : buffer.ToArray();
    }

    public override object FromBinary(byte[] bytes, string manifest)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        return manifest switch
        {
            "m" => new MeshMessage.Payload(reader.ReadInt64(), reader.ReadInt64(), bytes.AsMemory(16)),
            "p" => new MeshMessage.Pulse(reader.ReadInt64(), Read(reader), Read(reader)),
            "y" => new MeshMessage.Yield(reader.ReadInt64()),
            _ => throw Unknown(manifest),
        };
    }

    private static void Write(BinaryWriter writer, ImmutableArray<long> values)
    {
        writer.Write((ushort)values.Length);
        foreach (var value in values)
        {
            writer.Write(value);
        }
    }

    private static ImmutableArray<long> Read(BinaryReader reader)
    {
        var values = new long[reader.ReadUInt16()];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = reader.ReadInt64();
        }
        return [.. values];
    }

    private static System.Runtime.Serialization.SerializationException Unknown(string what) => new($"{what} is no message between nodes.");
}

/// <summary>Bound to everything that is neither ours nor Akka's own: no type name from the wire ever makes an object.</summary>
internal sealed class DenySerializer(ExtendedActorSystem system) : Serializer(system)
{
    private const int Number = 826;

    public override int Identifier => Number;

    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj) => throw Denied(obj.GetType().FullName);

    public override object FromBinary(byte[] bytes, Type type) => throw Denied(type?.FullName);

    private static System.Runtime.Serialization.SerializationException Denied(string? type) =>
        new($"{type ?? "An unnamed type"} may not travel between nodes.");
}
