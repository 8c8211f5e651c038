using System.Collections.Immutable;
using Livebook.Core.Notebooks;

namespace Livebook.Core.Sessions;

/// <summary>The order in which cells build on each other (M7): regular sections form one flow, each branching section is a flow of its own.</summary>
internal static class Flow
{
    /// <summary>Name of the flow of the setup section and all regular sections.</summary>
    public const string Main = "main";

    /// <summary>Every evaluable cell with its flow and its nearest ancestor, ancestors first.</summary>
    public static ImmutableArray<Place> Walk(Notebook notebook)
    {
        var places = ImmutableArray.CreateBuilder<Place>();
        var endOf = new Dictionary<string, string?>();
        string? last = null;
        foreach (var section in notebook.AllSections)
        {
            var branch = section.Parent is { } parent && endOf.ContainsKey(parent);
            var previous = branch ? endOf[section.Parent!] : last;
            var first = true;
            foreach (var cell in section.Cells.OfType<EvaluableCell>())
            {
                places.Add(new Place(cell, section.Id, branch ? section.Id : Main, previous, branch && first));
                previous = cell.Id;
                first = false;
            }
            endOf[section.Id] = previous;
            if (!branch)
                last = previous;
        }
        return places.ToImmutable();
    }

    /// <summary>Ids of the ancestors of a cell, from the first to the nearest.</summary>
    public static ImmutableArray<string> Ancestors(ImmutableArray<Place> places, string cellId)
    {
        var parents = places.ToDictionary(place => place.Cell.Id, place => place.Parent);
        var path = new List<string>();
        for (var id = parents.GetValueOrDefault(cellId); id is not null; id = parents.GetValueOrDefault(id))
            path.Add(id);
        path.Reverse();
        return [.. path];
    }

    /// <summary>Ids of the cells that build on this one.</summary>
    public static HashSet<string> Dependents(ImmutableArray<Place> places, string cellId)
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
    public static Dictionary<string, ulong> Chains(ImmutableArray<Place> places)
    {
        var chains = new Dictionary<string, ulong>();
        foreach (var place in places)
            chains[place.Cell.Id] = place.Parent is { } parent ? Digest.Add(chains[parent], parent + ";") : Digest.Empty;
        return chains;
    }

    /// <summary>What each cell builds on: a digest of its ancestors' evaluations. Differs as soon as one of them was evaluated again, or cells in front of it came, went or moved.</summary>
    public static Dictionary<string, string> Snapshots(SessionState state, ImmutableArray<Place> places)
    {
        var behind = new Dictionary<string, ulong>();
        var snapshots = new Dictionary<string, string>();
        foreach (var place in places)
        {
            var before = place.Parent is { } parent ? behind[parent] : Digest.Empty;
            snapshots[place.Cell.Id] = before.ToString("x16", null);
            var cell = state.StateOf(place.Cell.Id);
            var defines = cell is { Validity: CellValidity.Evaluated, Errored: false } && cell.EvaluatedSource is { Length: > 0 };
            behind[place.Cell.Id] = defines ? Digest.Add(before, $"{place.Cell.Id}:{cell.Evaluation};") : before;
        }
        return snapshots;
    }

    /// <summary>FNV-1a, 64 bits (Fowler, Noll, Vo): the same in every process, unlike <see cref="string.GetHashCode()"/>.</summary>
    private static class Digest
    {
        public const ulong Empty = 14695981039346656037;

        public static ulong Add(ulong digest, string text)
        {
            foreach (var unit in text)
                digest = (digest ^ unit) * 1099511628211;
            return digest;
        }
    }
}

/// <param name="Parent">Id of the nearest ancestor; null for the first cell.</param>
/// <param name="StartsBranch">First cell of a branching section: needs the main flow's state.</param>
internal sealed record Place(EvaluableCell Cell, string Section, string Flow, string? Parent, bool StartsBranch);
