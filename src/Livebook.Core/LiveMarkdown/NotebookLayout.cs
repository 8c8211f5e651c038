using System.Collections.Immutable;
using System.Text;
using Livebook.Core.Notebooks;

namespace Livebook.Core.LiveMarkdown;

/// <summary>Decides for each part of a notebook whether the file's spelling still holds, and writes it.</summary>
internal sealed class NotebookLayout(Notebook notebook, WrittenOutputs outputs, BlockSink sink)
{
    private readonly SectionIndex _index = new(notebook);
    private readonly bool _hasSetup = CellLanguages.HasSetup(notebook);

    // Only the very last block may stay open.
    private readonly Cell? _last = notebook.Sections.IsEmpty ? notebook.Setup.Cells.LastOrDefault() : notebook.Sections[^1].Cells.LastOrDefault();

    public void Write()
    {
        var isTitled = WriteHead();
        if (_hasSetup)
        {
            var isMarked = !CellLanguages.AreSetup(notebook.Setup.Cells);
            foreach (var cell in notebook.Setup.Cells)
                WriteCode((EvaluableCell)cell, true, isMarked);
        }

        foreach (var section in notebook.Sections)
        {
            WriteHeading(section, isTitled);
            foreach (var cell in section.Cells)
            {
                if (cell is MarkdownCell markdown)
                    WriteMarkdown(markdown);
                else
                    WriteCode((EvaluableCell)cell, false, false);
            }
        }
    }

    /// <summary>Whether the file has a title now.</summary>
    private bool WriteHead()
    {
        if (notebook.Origin is { } origin)
        {
            var isTitled = HasTitle(origin.Text, BomLength(origin));
            var namesLanguage =
                origin.Text.Contains("\"default_language\"", StringComparison.Ordinal) || CellLanguages.Inferred(notebook) == notebook.DefaultLanguage;
            if (origin.Fingerprint == Fingerprints.OfHead(notebook) && namesLanguage && (isTitled || !_hasSetup))
            {
                sink.Verbatim(origin.Text, origin.IsBytes);
                var line = origin.Text.Length > 0 ? origin.Text[^1] : '\n';
                sink.AtStart = !isTitled && (line is '\n' or '\r' || origin.Text.Length == BomLength(origin));
                return isTitled;
            }

            sink.Verbatim(origin.Text[..BomLength(origin)], origin.IsBytes);
        }

        sink.Fresh(FreshText.Head(notebook));
        sink.AtStart = false;
        return true;
    }

    private static int BomLength(Origin origin) =>
        origin.Text.StartsWith('\uFEFF') ? 1
        : origin.IsBytes && origin.Text.StartsWith("\u00EF\u00BB\u00BF", StringComparison.Ordinal) ? 3
        : 0;

    private static bool HasTitle(string head, int start)
    {
        var scanner = new BlockScanner(head, start);
        var last = default(Block);
        while (scanner.Next(out var block))
            last = block;
        return last.Kind == BlockKind.Heading;
    }

    private void WriteHeading(Section section, bool isTitled)
    {
        var parent = _index.ParentOf(section);
        var origin = section.Origin;
        if (origin is not null && (origin.Fingerprint != Fingerprints.Of(section, parent) || !sink.MayFollow(origin.Text)))
            origin = null;
        if (origin is { Text: "" })
        {
            if (MayLackHeading(section, isTitled))
                return;
            origin = null;
        }

        sink.Add(origin ?? section.Origin, origin is null ? FreshText.Heading(section, parent) : null, false);
    }

    // Without a heading its cells would be read as setup cells or leading comments, or it would be gone.
    private bool MayLackHeading(Section section, bool isTitled) =>
        ReferenceEquals(section, notebook.Sections[0])
        && !_hasSetup
        && !section.Cells.IsEmpty
        && !(isTitled && MayBeSetup(section.Cells))
        && (isTitled || !section.Cells[0].Source.AsSpan().TrimStart().StartsWith("<!--"));

    // Behind a cell that could be the setup cell, a fence of packages is a cell too, even if here it begins a text.
    private static bool MayBeSetup(ImmutableArray<Cell> cells) =>
        CellLanguages.AreSetup(cells)
        || (
            cells is [CodeCell, MarkdownCell text, ..]
            && CellLanguages.AreSetup([cells[0]])
            && text.Source.Contains(CellLanguages.PyProject, StringComparison.Ordinal)
        );

    private void WriteMarkdown(MarkdownCell cell)
    {
        var origin = cell.Origin;
        var isSame = origin is not null && origin.Fingerprint == Fingerprints.Of(cell) && (!origin.IsOpen || ReferenceEquals(cell, _last));
        sink.Add(origin, isSame ? null : FreshText.Markdown(cell, sink.AfterMarkdown), true);
    }

    private void WriteCode(EvaluableCell cell, bool isSetup, bool isMarked)
    {
        var origin = cell.Origin;
        var isKept = origin is not null && (!origin.IsOpen || ReferenceEquals(cell, _last));
        var isSame = isKept && origin!.Fingerprint == Fingerprints.Of(cell) && IsReadAlike(cell, isSetup, isMarked) && sink.MayFollow(origin.Text);
        sink.Add(origin, isSame ? null : FreshText.Code(cell, isSetup, isMarked), false);

        if (outputs == WrittenOutputs.None)
            return;
        var isUnchanged = origin is not null && origin.OutputsFingerprint == Fingerprints.Of(cell.StoredOutputs);
        if (isUnchanged && isKept)
            sink.Verbatim(origin!.Outputs, origin.IsBytes);
        else if (!isSetup && (isUnchanged || outputs == WrittenOutputs.All))
            sink.Fresh(Outputs(cell));
    }

    // Fences that are cells only by their place or their mark.
    private static bool IsReadAlike(EvaluableCell cell, bool isSetup, bool isMarked) =>
        (!isMarked || cell.Origin!.Text.Contains("\"setup\":true", StringComparison.Ordinal))
        && (isSetup || cell.Language != CellLanguages.PyProject || cell.Origin!.Text.Contains("\"cell_language\"", StringComparison.Ordinal));

    private static string Outputs(EvaluableCell cell)
    {
        var text = new StringBuilder();
        foreach (var output in cell.StoredOutputs)
        {
            if (OutputFences.TextOf(output) is { Length: > 0 } content)
                text.Append("\n\n").Append(OutputFences.Comment).Append("\n\n").Append(OutputFences.Fence("", content));
        }

        return text.ToString();
    }
}
