namespace Livebook.Core.LiveMarkdown;

/// <summary>CommonMark's rules about how a single line starts a block. Lines come without indentation (at most three columns) and line end.</summary>
internal static class LineRules
{
    /// <summary>Level of an ATX heading, or 0.</summary>
    public static int HeadingLevel(ReadOnlySpan<char> line)
    {
        var level = Run(line, '#');
        return level is >= 1 and <= 6 && (line.Length == level || line[level] is ' ' or '\t') ? level : 0;
    }

    /// <summary>Length of an opening fence, or 0. Backtick fences have no backtick in their info string.</summary>
    public static int FenceLength(ReadOnlySpan<char> line)
    {
        if (line.IsEmpty || line[0] is not ('`' or '~'))
            return 0;
        var length = Run(line, line[0]);
        if (length < 3 || (line[0] == '`' && line[length..].Contains('`')))
            return 0;
        return length;
    }

    /// <summary>Three or more of <c>*</c>, <c>-</c> or <c>_</c>, and nothing else.</summary>
    public static bool IsThematicBreak(ReadOnlySpan<char> line)
    {
        if (line.IsEmpty || line[0] is not ('*' or '-' or '_'))
            return false;
        var mark = line[0];
        var count = 0;
        foreach (var c in line)
        {
            if (c == mark)
                count++;
            else if (c is not (' ' or '\t'))
                return false;
        }

        return count >= 3;
    }

    /// <summary>1 for a line of <c>=</c>, 2 for a line of <c>-</c>, else 0.</summary>
    public static int SetextLevel(ReadOnlySpan<char> line)
    {
        if (line.IsEmpty || line[0] is not ('=' or '-'))
            return 0;
        var length = Run(line, line[0]);
        return Line.IsBlank(line[length..])
            ? line[0] == '='
                ? 1
                : 2
            : 0;
    }

    /// <summary>Whether the line starts a list item: the columns its content is indented by from the marker on, and whether it could interrupt a paragraph.</summary>
    public static bool IsListItem(ReadOnlySpan<char> line, out int width, out bool isEmpty, out bool interrupts)
    {
        (width, isEmpty, interrupts) = (0, false, false);
        if (line.IsEmpty)
            return false;
        var marker = 0;
        if (line[0] is '-' or '+' or '*')
        {
            marker = 1;
        }
        else
        {
            while (marker < line.Length && marker < 10 && char.IsAsciiDigit(line[marker]))
                marker++;
            if (marker is 0 or 10 || marker == line.Length || line[marker] is not ('.' or ')'))
                return false;
            marker++;
        }

        var rest = line[marker..];
        isEmpty = Line.IsBlank(rest);
        if (!isEmpty && rest[0] is not (' ' or '\t'))
            return false;
        var (columns, _) = Line.IndentOf(rest);
        width = marker + (isEmpty || columns > 4 ? 1 : columns);
        interrupts = !isEmpty && (marker == 1 || line[..(marker - 1)] is "1");
        return true;
    }

    /// <summary>Whether the line starts a block other than a paragraph, so that it is no lazy continuation of one.</summary>
    public static bool InterruptsParagraph(ReadOnlySpan<char> line) =>
        HeadingLevel(line) > 0
        || FenceLength(line) > 0
        || IsThematicBreak(line)
        || (line.Length > 0 && line[0] == '>')
        || HtmlRules.Start(line) is > 0 and < HtmlRules.SingleTag
        || (IsListItem(line, out _, out _, out var interrupts) && interrupts);

    public static int Run(ReadOnlySpan<char> line, char mark)
    {
        var length = line.IndexOfAnyExcept(mark);
        return length < 0 ? line.Length : length;
    }
}
