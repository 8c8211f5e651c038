using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Livebook.Core.Views;

/// <summary>
/// A persistent list that is made for growing at its end: its versions share one backing array, so that appending copies nothing and what
/// was appended is found without comparing. Appending twice to the same version makes two lists of their own.
/// </summary>
[JsonConverter(typeof(AppendLogJson))]
public sealed class AppendLog<T> : IReadOnlyList<T>, IAppendLog
{
    public static readonly AppendLog<T> Empty = new(new Shared([]), 0);

    private readonly Shared _shared;

    public AppendLog(IEnumerable<T> items)
    {
        var array = items.ToArray();
        _shared = new Shared(array);
        Count = array.Length;
    }

    private AppendLog(Shared shared, int count)
    {
        _shared = shared;
        Count = count;
    }

    public int Count { get; }

    public T this[int index] => index >= 0 && index < Count ? _shared.Items[index] : throw new ArgumentOutOfRangeException(nameof(index));

    public AppendLog<T> Append(T item)
    {
        // Whoever claims the place behind the last item goes on with the shared array; everybody else starts an array of their own.
        // Nobody shares the empty list's, which would tie all lists to each other.
        if (Count > 0 && _shared.Claim(Count))
        {
            _shared.Put(Count, item);
            return new AppendLog<T>(_shared, Count + 1);
        }
        var items = new T[Math.Max(4, Count * 2)];
        Array.Copy(_shared.Items, items, Count);
        items[Count] = item;
        return new AppendLog<T>(new Shared(items, Count + 1), Count + 1);
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
            yield return _shared.Items[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    bool IAppendLog.Continues(IAppendLog before, out int dropped)
    {
        dropped = 0;
        var old = (AppendLog<T>)before;
        if (ReferenceEquals(old._shared, _shared))
            return old.Count <= Count;
        if (old.Count == 0 || Count == 0)
            return old.Count == 0;
        // A list that was cut at its front holds the same items from there on.
        while (dropped < old.Count && !Same(old[dropped], this[0]))
            dropped++;
        if (dropped == old.Count || old.Count - dropped > Count)
            return false;
        for (var i = dropped; i < old.Count; i++)
        {
            if (!Same(old[i], this[i - dropped]))
                return false;
        }
        return true;
    }

    void IAppendLog.WriteItems(Utf8JsonWriter writer, int from, JsonSerializerOptions options)
    {
        var type = (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));
        writer.WriteStartArray();
        for (var i = from; i < Count; i++)
            JsonSerializer.Serialize(writer, _shared.Items[i], type);
        writer.WriteEndArray();
    }

    private static bool Same(T one, T other) => EqualityComparer<T>.Default.Equals(one, other);

    private sealed class Shared(T[] items, int used)
    {
        private int _used = used;

        public Shared(T[] items)
            : this(items, items.Length) { }

        public T[] Items { get; private set; } = items;

        public bool Claim(int index) => Interlocked.CompareExchange(ref _used, index + 1, index) == index;

        public void Put(int index, T item)
        {
            if (index < Items.Length)
            {
                Items[index] = item;
                return;
            }
            // Readers of older versions go on with the old array: what they see of it does not change.
            var more = new T[Items.Length * 2];
            Array.Copy(Items, more, index);
            more[index] = item;
            Items = more;
        }
    }
}

/// <summary>What the differ asks of a list that grows.</summary>
internal interface IAppendLog
{
    int Count { get; }

    /// <summary>Whether this list is the older one without its first <paramref name="dropped"/> items, plus some at the end.</summary>
    bool Continues(IAppendLog before, out int dropped);

    void WriteItems(Utf8JsonWriter writer, int from, JsonSerializerOptions options);
}

/// <summary>A list that grows is an array in JSON.</summary>
internal sealed class AppendLogJson : JsonConverterFactory
{
    public override bool CanConvert(Type typeToConvert) => typeToConvert.IsGenericType && typeToConvert.GetGenericTypeDefinition() == typeof(AppendLog<>);

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(typeof(Of<>).MakeGenericType(typeToConvert.GetGenericArguments()))!;

    private sealed class Of<T> : JsonConverter<AppendLog<T>>
    {
        public override AppendLog<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.StartArray)
                throw new JsonException($"expected an array, found {reader.TokenType}");
            var type = (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));
            var items = new List<T>();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                items.Add(JsonSerializer.Deserialize(ref reader, type) ?? throw new JsonException("an item of the array is null"));
            return new AppendLog<T>(items);
        }

        public override void Write(Utf8JsonWriter writer, AppendLog<T> value, JsonSerializerOptions options) =>
            ((IAppendLog)value).WriteItems(writer, 0, options);
    }
}
