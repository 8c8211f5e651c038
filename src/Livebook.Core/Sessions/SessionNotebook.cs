using System.Collections.Immutable;
using Livebook.Core.Notebooks;
using Livebook.Protocol;

namespace Livebook.Core.Sessions;

/// <summary>The notebook of a session as a file would hold it.</summary>
public static class SessionNotebook
{
    /// <summary>The notebook with the session's outputs as stored outputs of its cells; they are written only when the notebook persists outputs or the writer is told to.</summary>
    public static Notebook WithOutputs(SessionState state)
    {
        Section Filled(Section section) => section with { Cells = [.. section.Cells.Select(cell => Fill(state, cell))] };
        return state.Notebook with { Setup = Filled(state.Notebook.Setup), Sections = [.. state.Notebook.Sections.Select(Filled)] };
    }

    private static Cell Fill(SessionState state, Cell cell)
    {
        if (cell is not EvaluableCell code)
            return cell;
        var outputs = OutputsOf(state, cell.Id);
        // Untouched outputs keep the very value that was read, so that the writer sees that nothing changed.
        return state.StateOf(cell.Id).Evaluation == 0 && outputs.Length == code.StoredOutputs.Length ? cell : code with { StoredOutputs = outputs };
    }

    /// <summary>The outputs of a cell, oldest first.</summary>
    public static ImmutableArray<Output> OutputsOf(SessionState state, string cellId) =>
        [
            .. state
                .StateOf(cellId)
                .Outputs.Select(output => new Output(
                    output.Kind,
                    output.Chunks is { } chunks
                        ? ImmutableSortedDictionary<string, string>.Empty.Add("text/plain", string.Concat(chunks))
                        : output.Data!.ToImmutableSortedDictionary(entry => entry.Key, entry => entry.Value.Value),
                    output.Error
                )),
        ];
}
