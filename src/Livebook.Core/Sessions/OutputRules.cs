using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Livebook.Core.Notebooks;
using Livebook.Core.Views;
using Livebook.Protocol;

namespace Livebook.Core.Sessions;

/// <summary>How outputs are kept, merged and limited (E11, E19).</summary>
internal static class OutputRules
{
    /// <summary>Values longer than this (in characters) do not travel inline but by their hash.</summary>
    public const int InlineCharacters = 32 * 1024;

    /// <summary>Text of one stream that is kept, in characters; the front goes first.</summary>
    public const int StreamCharacters = 1_000_000;

    public static void Clear(Step step, string cellId)
    {
        var cell = step.State.StateOf(cellId);
        if (cell.Outputs.IsEmpty)
            return;
        step.State = step.State with { OutputBytes = step.State.OutputBytes - cell.Outputs.Sum(SizeOf) };
        step.SetCell(cellId, cell with { Outputs = [] });
        OutputsChanged(step);
    }

    /// <summary>Shows what the file holds as the cell's outputs.</summary>
    public static void Restore(Step step, EvaluableCell cell)
    {
        foreach (var output in cell.StoredOutputs)
            Add(step, cell.Id, output);
    }

    public static void Append(Step step, string cellId, Output output)
    {
        var before = step.State.Cells;
        Add(step, cellId, output);
        if (!ReferenceEquals(before, step.State.Cells))
            OutputsChanged(step);
    }

    private static void Add(Step step, string cellId, Output output)
    {
        var text = output.Kind is OutputKind.Stdout or OutputKind.Stderr ? output.Data.GetValueOrDefault("text/plain", "") : null;
        var added = text is not null ? 2L * text.Length : output.Data.Sum(entry => 2L * entry.Value.Length);
        if (step.State.OutputBytes + added > step.State.OutputLimitBytes)
        {
            Cut(step, cellId);
            return;
        }
        step.State = step.State with { OutputBytes = step.State.OutputBytes + added };
        var cell = step.State.StateOf(cellId);
        if (text is not null && cell.Outputs is [.., { Chunks: { } chunks } last] && last.Kind == output.Kind)
        {
            var merged = Trim(step, last with { Chunks = chunks.Append(text), Length = last.Length + text.Length });
            step.Update(cellId, state => state with { Outputs = state.Outputs.SetItem(state.Outputs.Length - 1, merged) });
        }
        else
        {
            var made = new CellOutput
            {
                Id = $"o{cell.OutputCount + 1}",
                Kind = output.Kind,
                Chunks = text is null ? null : AppendLog<string>.Empty.Append(text),
                Length = text?.Length ?? 0,
                Data = text is null ? output.Data.ToImmutableSortedDictionary(entry => entry.Key, entry => Store(entry.Value)) : null,
                Error = output.Error,
            };
            made = Trim(step, made);
            step.Update(cellId, state => state with { Outputs = state.Outputs.Add(made), OutputCount = state.OutputCount + 1 });
        }
    }

    private static void OutputsChanged(Step step)
    {
        if (step.State.Notebook.PersistOutputs)
            FileRules.ContentChanged(step);
    }

    private static void Cut(Step step, string cellId)
    {
        const string id = "cut";
        if (step.State.StateOf(cellId).Outputs.Any(output => output.Id == id))
            return;
        var limit = step.State.OutputLimitBytes / (1024 * 1024);
        var notice =
            $"Output was cut here: this notebook's outputs have reached their limit of {limit} MB. Erase outputs to make room, or raise LIVEBOOK_OUTPUTS_LIMIT_BYTES.";
        var output = new CellOutput
        {
            Id = id,
            Kind = OutputKind.Warning,
            Data = ImmutableSortedDictionary<string, StoredValue>.Empty.Add("text/plain", new StoredValue(notice, null)),
        };
        step.Update(cellId, state => state with { Outputs = state.Outputs.Add(output) });
        step.State = step.State with { OutputBytes = step.State.OutputBytes + SizeOf(output) };
    }

    private static CellOutput Trim(Step step, CellOutput output)
    {
        // Only when a quarter too long, so that a stream does not copy its text with every piece.
        if (output.Chunks is not { } chunks || output.Length <= StreamCharacters + StreamCharacters / 4)
            return output;
        var drop = 0;
        long dropped = 0;
        while (drop < chunks.Count - 1 && output.Length - dropped > StreamCharacters)
            dropped += chunks[drop++].Length;
        var kept = new AppendLog<string>(chunks.Skip(drop));
        step.State = step.State with { OutputBytes = step.State.OutputBytes - 2 * dropped };
        return output with { Chunks = kept, Length = output.Length - dropped, Cut = output.Cut + dropped };
    }

    private static StoredValue Store(string value) =>
        new(value, value.Length <= InlineCharacters ? null : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value))));

    private static long SizeOf(CellOutput output) => 2 * output.Length + (output.Data?.Values.Sum(value => 2L * value.Value.Length) ?? 0);
}
