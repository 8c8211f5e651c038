using System.Collections.Immutable;
using Livebook.Core.Notebooks;
using Livebook.Core.Views;
using Livebook.Protocol;

namespace Livebook.Core.Sessions;

/// <summary>Questions about evaluation that the edges ask of a state.</summary>
public static class EvaluationQueries
{
    /// <summary>Asks a runtime what its compiler says about a cell's present text; null when there is nothing to ask.</summary>
    public static RuntimeCommand.Diagnose? Diagnosis(SessionState state, string cellId)
    {
        if (state.Notebook.Find(cellId) is not EvaluableCell cell || state.Runtime.Status != "connected")
            return null;
        var path = Flow.Walk(state.Notebook)
            .Ancestors(cellId)
            .Where(ancestor => state.StateOf(ancestor) is { Validity: CellValidity.Evaluated, Errored: false });
        return new RuntimeCommand.Diagnose(cellId, state.StateOf(cellId).TextRevision, cell.Language, cell.Source, [.. path]);
    }

    /// <summary><c>fresh</c>, <c>evaluated</c>, <c>stale</c> or <c>aborted</c>.</summary>
    public static string Validity(SessionState state, string cellId)
    {
        var places = Flow.Walk(state.Notebook);
        ulong? snapshot = places.Find(cellId) is { } place ? Flow.Snapshots(state, places)[place.Index] : null;
        return SessionProjection.Validity(state.StateOf(cellId), snapshot);
    }

    /// <summary>Every evaluable cell in the order in which they are evaluated, ancestors first.</summary>
    public static ImmutableArray<string> Order(Notebook notebook) => [.. Flow.Walk(notebook).Select(place => place.Cell.Id)];
}
