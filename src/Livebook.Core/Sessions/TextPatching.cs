using System.Collections.Immutable;
using Livebook.Core.LiveMarkdown;
using Livebook.Core.Notebooks;
using Livebook.Core.Text;

namespace Livebook.Core.Sessions;

/// <summary>Text changes of programs, turned into edits like those of a browser.</summary>
internal static class TextPatching
{
    public static void Patch(Step step, ClientOperation.PatchText patch)
    {
        if (step.State.Notebook.Find(patch.Cell) is not { } cell)
        {
            step.Refuse("the cell is gone");
            return;
        }
        if (new object?[] { patch.Source, patch.Edits, patch.Append }.Count(given => given is not null) != 1)
        {
            step.Refuse("exactly one of source, edits and append is expected");
            return;
        }
        var state = step.State.StateOf(patch.Cell);
        var revision = patch.Edits is null ? state.TextRevision : patch.Revision ?? state.TextRevision;
        if (TextRules.Since(state, revision) is not { } missed)
        {
            step.Refuse($"revision {revision} of the text is not known any more: read the cell again");
            return;
        }
        var length = missed.Count > 0 ? missed[0].Changes.LengthBefore : cell.Source.Length;
        var edits = Edits(patch, cell);
        if (Fault(edits, length) is { } fault)
        {
            step.Refuse(fault);
            return;
        }
        if (edits.All(edit => edit.From == edit.To && edit.Insert.Length == 0))
            return;
        var changes = ChangeSet.Of(length, edits.Select(edit => (edit.From, edit.To, edit.Insert)));
        TextRules.Edit(step, new ClientOperation.EditText(patch.Cell, patch.Editor, revision, [changes]));
    }

    private static ImmutableArray<TextEdit> Edits(ClientOperation.PatchText patch, Cell cell) =>
        patch switch
        {
            { Source: { } source } => [Difference(cell.Source, FileText.WithLineFeeds(source))],
            { Append: { } append } => [new TextEdit(cell.Source.Length, cell.Source.Length, FileText.WithLineFeeds(append))],
            _ => [.. patch.Edits!.Value.Select(edit => edit with { Insert = FileText.WithLineFeeds(edit.Insert) })],
        };

    /// <summary>The one replacement that makes the new text of the old one.</summary>
    private static TextEdit Difference(string before, string after)
    {
        var start = before.AsSpan().CommonPrefixLength(after);
        var most = Math.Min(before.Length, after.Length) - start;
        var end = 0;
        while (end < most && before[^(end + 1)] == after[^(end + 1)])
            end++;
        return new TextEdit(start, before.Length - end, after[start..^end]);
    }

    private static string? Fault(ImmutableArray<TextEdit> edits, int length)
    {
        var last = 0;
        foreach (var edit in edits)
        {
            if (edit.From < last || edit.To < edit.From || edit.To > length)
                return $"an edit from {edit.From} to {edit.To} does not fit: edits are in order, do not overlap, and end at most at {length}";
            last = edit.To;
        }
        return null;
    }
}
