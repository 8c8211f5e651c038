using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Livebook.Cluster.Messaging;

/// <summary>Writes the fields of a message: little endian, lengths before bytes.</summary>
internal sealed class WireWriter(int capacity = 128)
{
    private readonly ArrayBufferWriter<byte> buffer = new(capacity);

    public ReadOnlyMemory<byte> Written => buffer.WrittenMemory;

    public WireWriter Byte(byte value)
    {
        buffer.GetSpan(1)[0] = value;
        buffer.Advance(1);
        return this;
    }

    public WireWriter Int(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(buffer.GetSpan(4), value);
        buffer.Advance(4);
        return this;
    }

    public WireWriter Long(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(buffer.GetSpan(8), value);
        buffer.Advance(8);
        return this;
    }

    public WireWriter Text(string value)
    {
        var bytes = Encoding.UTF8.GetByteCount(value);
        Int(bytes);
        Encoding.UTF8.GetBytes(value, buffer.GetSpan(Math.Max(bytes, 1)));
        buffer.Advance(bytes);
        return this;
    }

    public WireWriter Bytes(ReadOnlySpan<byte> value)
    {
        Int(value.Length);
        return Raw(value);
    }

    /// <summary>Bytes without their length; the reader takes <see cref="WireReader.Rest"/>.</summary>
    public WireWriter Raw(ReadOnlySpan<byte> value)
    {
        buffer.Write(value);
        return this;
    }
}

/// <summary>Reads what <see cref="WireWriter"/> wrote. What does not fit throws <see cref="InvalidDataException"/>, whatever the bytes are.</summary>
internal sealed class WireReader(ReadOnlyMemory<byte> data)
{
    private int at;

    public bool AtEnd => at == data.Length;

    public byte Byte() => Take(1).Span[0];

    public int Int() => BinaryPrimitives.ReadInt32LittleEndian(Take(4).Span);

    public long Long() => BinaryPrimitives.ReadInt64LittleEndian(Take(8).Span);

    public string Text() => Encoding.UTF8.GetString(Bytes().Span);

    public ReadOnlyMemory<byte> Bytes() => Take(Int());

    public ReadOnlyMemory<byte> Rest() => Take(data.Length - at);

    /// <summary>A number of things that follow, each at least <paramref name="size"/> bytes long.</summary>
    public int Count(int size)
    {
        var count = Int();
        return count >= 0 && (long)count * size <= data.Length - at ? count : throw new InvalidDataException($"A count of {count} does not fit.");
    }

    private ReadOnlyMemory<byte> Take(int length)
    {
        if (length < 0 || length > data.Length - at)
        {
            throw new InvalidDataException($"{length} bytes expected at {at} of {data.Length}.");
        }
        var taken = data.Slice(at, length);
        at += length;
        return taken;
    }
}
