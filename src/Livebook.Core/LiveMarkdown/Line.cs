namespace Livebook.Core.LiveMarkdown;

/// <summary>One line of a text: <c>[Start, End)</c> without its line end, <c>Next</c> behind it.</summary>
internal readonly record struct Line(int Start, int End, int Next)
{
    /// <summary>The line that starts here. Line ends are <c>\n</c>, <c>\r\n</c> and <c>\r</c>.</summary>
    public static Line At(ReadOnlySpan<char> text, int start)
    {
        var length = text[start..].IndexOfAny('\n', '\r');
        if (length < 0)
            return new(start, text.Length, text.Length);
        var end = start + length;
        var next = text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? end + 2 : end + 1;
        return new(start, end, next);
    }

    public ReadOnlySpan<char> Of(ReadOnlySpan<char> text) => text[Start..End];

    /// <summary>Only spaces and tabs. Other white space is text: in a file that is not UTF-8 it could be part of a character.</summary>
    public static bool IsBlank(ReadOnlySpan<char> line) => line.IndexOfAnyExcept(' ', '\t') < 0;

    /// <summary>Columns of indentation, tabs to the next multiple of four, and how many characters they take.</summary>
    public static (int Columns, int Length) IndentOf(ReadOnlySpan<char> line)
    {
        var columns = 0;
        var i = 0;
        for (; i < line.Length; i++)
        {
            if (line[i] == ' ')
                columns++;
            else if (line[i] == '\t')
                columns += 4 - (columns % 4);
            else
                break;
        }

        return (columns, i);
    }
}
