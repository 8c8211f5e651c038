using System.Collections.Immutable;
using System.Text;
using Livebook.Core.Notebooks;

namespace Livebook.Core.LiveMarkdown;

/// <summary>A section while it is read.</summary>
internal sealed class SectionDraft(Section section)
{
    public Section Section { get; set; } = section;

    /// <summary>Index of the section it branches from, as the file says; null if it does not.</summary>
    public int? Parent { get; init; }

    public int Line { get; init; }

    public List<Cell> Cells { get; } = [];

    /// <summary>How many of the first cells are marked as setup cells.</summary>
    public int MarkedAsSetup { get; set; }
}

/// <summary>A markdown cell while it is read.</summary>
/// <param name="start">Where its spelling starts: its metadata comment or its text.</param>
/// <param name="textStart">Where its text starts.</param>
internal sealed class MarkdownDraft(int start, int textStart)
{
    private readonly List<(int Start, int End, string Text)> _replaced = [];

    public int Start { get; } = start;

    public int TextStart { get; set; } = textStart;

    public int End { get; set; } = textStart;

    /// <summary>The source that the metadata comment holds; null without one.</summary>
    public string? Exact { get; init; }

    public ImmutableSortedDictionary<string, string> Extra { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    public required string Before { get; init; }

    /// <summary>No text was found yet.</summary>
    public bool IsEmpty { get; set; } = true;

    public bool IsOpen { get; set; }

    /// <summary>Its spelling cannot stand elsewhere: it claims to be an output, or overlaps the head.</summary>
    public bool IsMisplaced { get; init; }

    public void Replace(int start, int end, string text) => _replaced.Add((start, end, text));

    /// <summary>Its source by the text, replacements made.</summary>
    public string Source(FileText file)
    {
        if (_replaced.Count == 0)
            return file.Read(TextStart, End);
        var source = new StringBuilder();
        var at = TextStart;
        foreach (var (start, end, text) in _replaced)
        {
            if (start > at)
                source.Append(file.Read(at, start));
            source.Append(text);
            at = end;
        }

        return source.Append(file.Read(at, End)).ToString();
    }
}
