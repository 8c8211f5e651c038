using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Livebook.Core.Views;

/// <summary>Writes the difference between two values of one type. Made once per type from the serializer's metadata.</summary>
internal abstract class Differ
{
    /// <summary>Both values are there.</summary>
    public abstract void Write(object before, object after, Patch patch);

    public static Differ For(JsonTypeInfo type) =>
        type switch
        {
            _ when type.Type.IsAssignableTo(typeof(IAppendLog)) => new LogDiffer(type),
            { Kind: JsonTypeInfoKind.Object, PolymorphismOptions: null } => new ObjectDiffer(type),
            { Kind: JsonTypeInfoKind.Dictionary } when type.KeyType == typeof(string) => Make(typeof(MapDiffer<>), type),
            { Kind: JsonTypeInfoKind.Enumerable } => Make(typeof(ListDiffer<>), type),
            _ => new ValueDiffer(type),
        };

    private static Differ Make(Type differ, JsonTypeInfo type) => (Differ)Activator.CreateInstance(differ.MakeGenericType(type.ElementType!), type)!;

    protected static void Set(object? value, JsonTypeInfo type, Patch patch)
    {
        JsonSerializer.Serialize(patch.Begin("s"), value, type);
        patch.End();
    }
}

internal sealed class ValueDiffer(JsonTypeInfo type) : Differ
{
    public override void Write(object before, object after, Patch patch)
    {
        if (!before.Equals(after))
            Set(after, type, patch);
    }
}

internal sealed class ObjectDiffer : Differ
{
    private readonly (JsonPropertyInfo Property, JsonTypeInfo Type)[] _properties;

    public ObjectDiffer(JsonTypeInfo type)
    {
        type.MakeReadOnly();
        _properties =
        [
            .. type.Properties.Where(property => property.Get is not null).Select(property => (property, type.Options.GetTypeInfo(property.PropertyType))),
        ];
    }

    public override void Write(object before, object after, Patch patch)
    {
        if (ReferenceEquals(before, after))
            return;
        foreach (var (property, type) in _properties)
        {
            var old = property.Get!(before);
            var value = property.Get(after);
            if (ReferenceEquals(old, value))
                continue;
            patch.Enter(property.Name);
            if (old is not null && value is not null)
            {
                Diff.Of(type).Write(old, value, patch);
            }
            else if (value is null && property.ShouldSerialize?.Invoke(after, null) == false)
            {
                patch.Begin("d");
                patch.End();
            }
            else
            {
                Set(value, type, patch);
            }
            patch.Leave();
        }
    }
}

internal sealed class MapDiffer<T>(JsonTypeInfo type) : Differ
{
    private readonly JsonTypeInfo _element = type.Options.GetTypeInfo(typeof(T));

    public override void Write(object before, object after, Patch patch)
    {
        if (ReferenceEquals(before, after))
            return;
        var old = (IReadOnlyDictionary<string, T>)before;
        var map = (IReadOnlyDictionary<string, T>)after;
        var kept = 0;
        foreach (var (key, value) in map)
        {
            var known = old.TryGetValue(key, out var was);
            kept += known ? 1 : 0;
            if (known && ReferenceEquals(was, value))
                continue;
            patch.Enter(key);
            if (was is not null && value is not null)
                Diff.Of(_element).Write(was, value, patch);
            else
                Set(value, _element, patch);
            patch.Leave();
        }
        if (kept == old.Count)
            return;
        foreach (var key in old.Keys.Where(key => !map.ContainsKey(key)))
        {
            patch.Enter(key);
            patch.Begin("d");
            patch.End();
            patch.Leave();
        }
    }
}

internal sealed class ListDiffer<T>(JsonTypeInfo type) : Differ
{
    private readonly JsonTypeInfo _element = type.Options.GetTypeInfo(typeof(T));

    public override void Write(object before, object after, Patch patch)
    {
        // An immutable array equals another when it is the same array.
        if (before.Equals(after))
            return;
        var old = (IReadOnlyList<T>)before;
        var list = (IReadOnlyList<T>)after;
        var shorter = Math.Min(old.Count, list.Count);
        var front = 0;
        while (front < shorter && Same(old[front], list[front]))
            front++;
        var back = 0;
        while (back < shorter - front && Same(old[old.Count - 1 - back], list[list.Count - 1 - back]))
            back++;
        if (front == old.Count && front == list.Count)
            return;
        var writer = patch.Begin("x");
        writer.WriteNumberValue(front);
        writer.WriteNumberValue(old.Count - front - back);
        writer.WriteStartArray();
        for (var i = front; i < list.Count - back; i++)
            JsonSerializer.Serialize(writer, list[i], _element);
        writer.WriteEndArray();
        patch.End();
    }

    private static bool Same(T one, T other) => EqualityComparer<T>.Default.Equals(one, other);
}

internal sealed class LogDiffer(JsonTypeInfo type) : Differ
{
    public override void Write(object before, object after, Patch patch)
    {
        if (ReferenceEquals(before, after))
            return;
        var old = (IAppendLog)before;
        var log = (IAppendLog)after;
        if (!log.Continues(old, out var dropped))
        {
            Set(after, type, patch);
            return;
        }
        if (dropped > 0)
        {
            var splice = patch.Begin("x");
            splice.WriteNumberValue(0);
            splice.WriteNumberValue(dropped);
            splice.WriteStartArray();
            splice.WriteEndArray();
            patch.End();
        }
        if (log.Count == old.Count - dropped)
            return;
        log.WriteItems(patch.Begin("a"), old.Count - dropped, type.Options);
        patch.End();
    }
}
