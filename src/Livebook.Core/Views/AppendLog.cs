using System.Collections;

namespace Livebook.Core.Views;

/// <summary>A list that only grows; versions share one backing array. Placeholder until the view room is filled.</summary>
public sealed class AppendLog<T> : IReadOnlyList<T>
{
    private readonly List<T> _items;

    public AppendLog(IEnumerable<T> items) => _items = [.. items];

    public T this[int index] => _items[index];

    public int Count => _items.Count;

    public IEnumerator<T> GetEnumerator() => _items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
