using System.Collections;
using System.Collections.Immutable;
using Livebook.Core.Notebooks;

namespace Livebook.Core.Sessions;

/// <summary>The evaluable cells of a notebook in the order of <see cref="Flow.Walk"/>.</summary>
internal sealed class Places(ImmutableArray<Place> items) : IReadOnlyList<Place>
{
    private readonly Dictionary<string, Place> _byId = items.ToDictionary(place => place.Cell.Id);

    public int Count => items.Length;

    public Place this[int index] => items[index];

    /// <summary>Where a cell is; null when it cannot be evaluated or is not there.</summary>
    public Place? Find(string cellId) => _byId.GetValueOrDefault(cellId);

    /// <summary>Ids of the ancestors of a cell, from the first to the nearest.</summary>
    public IEnumerable<string> Ancestors(string cellId)
    {
        var path = new List<string>();
        for (var place = Find(cellId)?.Before; place is not null; place = place.Before)
            path.Add(place.Cell.Id);
        path.Reverse();
        return path;
    }

    public IEnumerator<Place> GetEnumerator() => ((IEnumerable<Place>)items).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <param name="index">Position in <see cref="Places"/>.</param>
/// <param name="before">The nearest ancestor; null for the first cell.</param>
/// <param name="startsBranch">First cell of a branching section: needs the main flow's state.</param>
internal sealed class Place(int index, EvaluableCell cell, string section, string flow, Place? before, bool startsBranch)
{
    public int Index => index;

    public EvaluableCell Cell => cell;

    public string Section => section;

    public string Flow => flow;

    public Place? Before => before;

    /// <summary>Id of the nearest ancestor; null for the first cell.</summary>
    public string? Parent => before?.Cell.Id;

    public bool StartsBranch => startsBranch;

    public ulong IdDigest { get; } = Digest.Of(cell.Id);

    public ulong LanguageDigest { get; } = Digest.Of(cell.Language);
}
