using System.Text;

namespace Livebook.Core.LiveMarkdown;

/// <summary>How the text of a markdown cell stands in a file.</summary>
/// <param name="Text">What is written; empty for a blank cell.</param>
/// <param name="IsExact">
/// Whether it reads back as the cell's source. Otherwise the source goes, encoded, into a metadata comment in front of it: a top-level
/// title or section heading would end the cell (Livebook drops it), something unclosed would swallow what follows.
/// </param>
internal readonly record struct MarkdownSource(string Text, bool IsExact)
{
    /// <summary>In front of a fence that would be a code cell.</summary>
    public const string ForceComment = "<!-- livebook:{\"force_markdown\":true} -->";

    /// <summary>The text for a source with <c>\n</c> line ends.</summary>
    public static MarkdownSource Of(string source)
    {
        if (Plain(source) is { } plain)
            return new(plain, true);
        return new(Plain(Softened(source)) ?? Plain(Indented(source)) ?? "", false);
    }

    /// <summary>Whether text behind this one must be set off by a blank line.</summary>
    public static bool NeedsBlankLine(ReadOnlySpan<char> text)
    {
        var scanner = new BlockScanner(text);
        var needs = true;
        while (scanner.Next(out var block))
            needs = block.NeedsBlankLine;
        return needs;
    }

    /// <summary>The source with the comments that force fences into it; null if it would not be read back.</summary>
    private static string? Plain(string source)
    {
        var scanner = new BlockScanner(source);
        StringBuilder? forced = null;
        var copied = 0;
        var end = -1;
        while (scanner.Next(out var block))
        {
            if ((end < 0 && block.Start > 0) || block.Closer is not null || EndsCell(source, block))
                return null;
            if (block.Kind == BlockKind.Fence && CellLanguages.AreCells(FirstWord(source.AsSpan(block.InfoStart..block.InfoEnd)).ToString()))
            {
                forced ??= new();
                forced.Append(source, copied, block.Start - copied).Append(ForceComment).Append("\n\n");
                copied = block.Start;
            }

            end = block.End;
        }

        if (end != source.Length)
            return null;
        return forced?.Append(source, copied, source.Length - copied).ToString() ?? source;
    }

    private static bool EndsCell(string source, Block block) =>
        block.Kind switch
        {
            BlockKind.Heading => block.Level <= 2,
            BlockKind.Comment => Metadata.Is(source.AsSpan(block.ContentStart..block.ContentEnd)),
            _ => false,
        };

    public static ReadOnlySpan<char> FirstWord(ReadOnlySpan<char> info)
    {
        var length = info.IndexOfAny(' ', '\t');
        return length < 0 ? info : info[..length];
    }

    // Headings become smaller, metadata comments ordinary ones, and what is open is closed.
    private static string Softened(string source)
    {
        var scanner = new BlockScanner(source);
        var text = new StringBuilder();
        var end = -1;
        while (scanner.Next(out var block))
        {
            if (end >= 0)
                text.Append(source, end, block.Start - end);
            end = block.End;
            if (!EndsCell(source, block))
                text.Append(source, block.Start, block.End - block.Start);
            else if (block.Kind == BlockKind.Comment)
                text.Append("<!-- livebook ").Append(source.AsSpan(block.ContentStart..block.ContentEnd).Trim(" \t\r\n")["livebook:".Length..]).Append(" -->");
            else
                text.Append("### ").Append(Notebooks.Names.Collapse(source[block.ContentStart..block.ContentEnd]));
            if (block.Closer is not null)
                text.Append('\n').Append(block.Closer);
        }

        return text.ToString();
    }

    // Indented code holds anything.
    private static string Indented(string source)
    {
        var lines = source.Split('\n').SkipWhile(line => Line.IsBlank(line)).Select(line => "    " + line);
        return string.Join('\n', lines).TrimEnd(' ', '\t', '\n');
    }
}
