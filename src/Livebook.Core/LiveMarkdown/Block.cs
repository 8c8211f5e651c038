namespace Livebook.Core.LiveMarkdown;

/// <summary>What a top-level block of a Markdown text is, as far as a notebook cares.</summary>
internal enum BlockKind
{
    /// <summary>A paragraph, list, quote, table, HTML…: prose.</summary>
    Text,

    /// <summary>An ATX or setext heading.</summary>
    Heading,

    /// <summary>A fenced block.</summary>
    Fence,

    /// <summary>An HTML comment with nothing else on its lines.</summary>
    Comment,
}

/// <summary>A top-level block: whole lines of the text, without the last line end. All positions are offsets into it.</summary>
internal readonly record struct Block(BlockKind Kind, int Start, int End)
{
    /// <summary>Of a heading: 1 to 6.</summary>
    public int Level { get; init; }

    /// <summary>Of a heading, a comment, a fence: what is between its marks.</summary>
    public int ContentStart { get; init; }

    public int ContentEnd { get; init; }

    /// <summary>Of a fence: its info string, trimmed.</summary>
    public int InfoStart { get; init; }

    public int InfoEnd { get; init; }

    /// <summary>Of a fence: columns of its indentation, taken off its lines.</summary>
    public int Indent { get; init; }

    /// <summary>What would close the block, if the text ends without closing it; else null.</summary>
    public string? Closer { get; init; }

    /// <summary>The block is HTML that goes on to the next blank line.</summary>
    public bool NeedsBlankLine { get; init; }
}
