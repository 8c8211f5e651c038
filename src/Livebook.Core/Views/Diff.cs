using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Livebook.Core.Views;

/// <summary>
/// The difference between two versions of a value as its serializer would write them. Names and omissions are the serializer's own, taken
/// from its metadata; parts that are the same object are passed over.
/// </summary>
public static class Diff
{
    private static readonly ConditionalWeakTable<JsonTypeInfo, Differ> Differs = [];

    /// <summary>
    /// A JSON array of <c>["s",path,value]</c> set, <c>["d",path]</c> delete, <c>["a",path,items]</c> append to an array and
    /// <c>["x",path,index,remove,items]</c> splice, to be applied in order; null when the two are equal. Maps differ key by key, arrays in
    /// one splice, an <see cref="AppendLog{T}"/> by what was appended.
    /// </summary>
    public static byte[]? Write<T>(T before, T after, JsonTypeInfo<T> type)
        where T : class
    {
        using var patch = new Patch();
        Of(type).Write(before, after, patch);
        return patch.ToBytes();
    }

    internal static Differ Of(JsonTypeInfo type) => Differs.GetValue(type, Differ.For);
}

/// <summary>A patch on its way: the place in the value, and what was written so far.</summary>
internal sealed class Patch : IDisposable
{
    private readonly List<string> _path = [];
    private ArrayBufferWriter<byte>? _buffer;
    private Utf8JsonWriter? _writer;

    public void Enter(string name) => _path.Add(name);

    public void Leave() => _path.RemoveAt(_path.Count - 1);

    /// <summary>Begins an operation at the present place; <see cref="End"/> ends it.</summary>
    public Utf8JsonWriter Begin(string kind)
    {
        if (_writer is null)
        {
            _buffer = new ArrayBufferWriter<byte>();
            _writer = new Utf8JsonWriter(_buffer);
            _writer.WriteStartArray();
        }
        _writer.WriteStartArray();
        _writer.WriteStringValue(kind);
        _writer.WriteStartArray();
        foreach (var name in _path)
            _writer.WriteStringValue(name);
        _writer.WriteEndArray();
        return _writer;
    }

    public void End() => _writer!.WriteEndArray();

    public byte[]? ToBytes()
    {
        if (_writer is null)
            return null;
        _writer.WriteEndArray();
        _writer.Flush();
        return _buffer!.WrittenSpan.ToArray();
    }

    public void Dispose() => _writer?.Dispose();
}
