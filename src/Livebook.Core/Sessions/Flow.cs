using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Livebook.Core.Notebooks;

namespace Livebook.Core.Sessions;

/// <summary>The order in which cells build on each other (M7): regular sections form one flow, each branching section is a flow of its own.</summary>
internal static class Flow
{
    /// <summary>Name of the flow of the setup section and all regular sections.</summary>
    public const string Main = "main";

    /// <summary>Most operations leave the notebook as it is, and several rules ask for the same walk.</summary>
    private static readonly ConditionalWeakTable<Notebook, Places> Walks = [];

    /// <summary>Every evaluable cell with its flow and its nearest ancestor, ancestors first.</summary>
    public static Places Walk(Notebook notebook) => Walks.GetValue(notebook, Make);

    private static Places Make(Notebook notebook)
    {
        var places = ImmutableArray.CreateBuilder<Place>();
        var endOf = new Dictionary<string, Place?>();
        Place? last = null;
        foreach (var section in notebook.AllSections)
        {
            var branch = section.Parent is { } parent && endOf.ContainsKey(parent);
            var previous = branch ? endOf[section.Parent!] : last;
            var first = true;
            foreach (var cell in section.Cells.OfType<EvaluableCell>())
            {
                previous = new Place(places.Count, cell, section.Id, branch ? section.Id : Main, previous, branch && first);
                places.Add(previous);
                first = false;
            }
            endOf[section.Id] = previous;
            if (!branch)
                last = previous;
        }
        return new Places(places.ToImmutable());
    }

    /// <summary>Ids of the cells that build on this one.</summary>
    public static HashSet<string> Dependents(Places places, string cellId)
    {
        var dependents = new HashSet<string>();
        foreach (var place in places)
        {
            if (place.Parent is { } parent && (parent == cellId || dependents.Contains(parent)))
                dependents.Add(place.Cell.Id);
        }
        return dependents;
    }

    /// <summary>A digest of each cell's ancestors: the same as long as it builds on the same cells in the same order.</summary>
    public static Dictionary<string, ulong> Chains(Places places)
    {
        var chains = new Dictionary<string, ulong>();
        foreach (var place in places)
            chains[place.Cell.Id] = place.Parent is { } parent ? Digest.Add(chains[parent], Digest.Of(parent)) : Digest.Empty;
        return chains;
    }

    /// <summary>
    /// What each cell builds on, by <see cref="Place.Index"/>: a digest of its language and its ancestors' evaluations. Differs as soon as
    /// one of them was evaluated again, cells in front of it came, went or moved, or its language was changed.
    /// </summary>
    public static ulong[] Snapshots(SessionState state, Places places)
    {
        var behind = new ulong[places.Count];
        var snapshots = new ulong[places.Count];
        foreach (var place in places)
        {
            var before = place.Before is { } parent ? behind[parent.Index] : Digest.Empty;
            snapshots[place.Index] = Digest.Add(before, place.LanguageDigest);
            var cell = state.StateOf(place.Cell.Id);
            var defines = cell is { Validity: CellValidity.Evaluated, Errored: false } && cell.EvaluatedSource is { Length: > 0 };
            behind[place.Index] = defines ? Digest.Add(Digest.Add(before, place.IdDigest), (ulong)cell.Evaluation) : before;
        }
        return snapshots;
    }
}

/// <summary>FNV-1a, 64 bits (Fowler, Noll, Vo): the same in every process, unlike <see cref="string.GetHashCode()"/>.</summary>
internal static class Digest
{
    public const ulong Empty = 14695981039346656037;
    private const ulong Prime = 1099511628211;

    public static ulong Of(string text)
    {
        var digest = Empty;
        foreach (var unit in text)
            digest = (digest ^ unit) * Prime;
        return digest;
    }

    public static ulong Add(ulong digest, ulong value)
    {
        for (var shift = 0; shift < 64; shift += 8)
            digest = (digest ^ ((value >> shift) & 0xFF)) * Prime;
        return digest;
    }
}
