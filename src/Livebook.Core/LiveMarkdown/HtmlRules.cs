using System.Collections.Frozen;

namespace Livebook.Core.LiveMarkdown;

/// <summary>CommonMark's seven kinds of HTML blocks.</summary>
internal static class HtmlRules
{
    /// <summary>The kinds that end at a blank line: a tag of a block element, and any other tag alone on its line.</summary>
    public const int BlockTag = 6;
    public const int SingleTag = 7;

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> s_blockTags =
        "address article aside base basefont blockquote body caption center col colgroup dd details dialog dir div dl dt fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html iframe legend li link main menu menuitem nav noframes ol optgroup option p param search section summary table tbody td tfoot th thead title tr track ul"
            .Split(' ')
            .ToFrozenSet(StringComparer.OrdinalIgnoreCase)
            .GetAlternateLookup<ReadOnlySpan<char>>();

    private static readonly string[] s_rawTags = ["script", "pre", "style", "textarea"];

    /// <summary>Kind (1 to 7) of the HTML block that the line starts, or 0.</summary>
    public static int Start(ReadOnlySpan<char> line)
    {
        if (line.Length < 2 || line[0] != '<')
            return 0;
        if (line.StartsWith("<!--"))
            return 2;
        if (line[1] == '?')
            return 3;
        if (line.StartsWith("<![CDATA["))
            return 5;
        if (line[1] == '!')
            return line.Length > 2 && char.IsAsciiLetter(line[2]) ? 4 : 0;

        var closing = line[1] == '/';
        var rest = line[(closing ? 2 : 1)..];
        var length = 0;
        while (length < rest.Length && (char.IsAsciiLetterOrDigit(rest[length]) || rest[length] == '-'))
            length++;
        if (length == 0 || !char.IsAsciiLetter(rest[0]))
            return 0;
        var name = rest[..length];
        var after = rest[length..];
        var ends = after.IsEmpty || after[0] is ' ' or '\t' or '>';
        if (!closing && ends && IsRaw(name))
            return 1;
        if ((ends || after.StartsWith("/>")) && s_blockTags.Contains(name))
            return BlockTag;
        return IsWholeTag(after) ? SingleTag : 0;
    }

    /// <summary>Whether the line ends a block of kind 1 to 5.</summary>
    public static bool Ends(int kind, ReadOnlySpan<char> line) =>
        kind switch
        {
            1 => EndsRaw(line),
            // The two dashes that open a comment may not be those that close it.
            2 => line.Contains("-->", StringComparison.Ordinal),
            3 => line.Contains("?>", StringComparison.Ordinal),
            4 => line.Contains('>'),
            _ => line.Contains("]]>", StringComparison.Ordinal),
        };

    /// <summary>What closes a block of kind 1 to 5.</summary>
    public static string Closer(int kind) =>
        kind switch
        {
            1 => "</pre>",
            2 => "-->",
            3 => "?>",
            4 => ">",
            _ => "]]>",
        };

    private static bool IsRaw(ReadOnlySpan<char> name)
    {
        foreach (var tag in s_rawTags)
        {
            if (name.Equals(tag, StringComparison.OrdinalIgnoreCase))
                return true;
        }

        return false;
    }

    private static bool EndsRaw(ReadOnlySpan<char> line)
    {
        for (var at = line.IndexOf("</"); at >= 0; )
        {
            var rest = line[(at + 2)..];
            foreach (var tag in s_rawTags)
            {
                if (rest.Length > tag.Length && rest[tag.Length] == '>' && rest.StartsWith(tag, StringComparison.OrdinalIgnoreCase))
                    return true;
            }

            var next = rest.IndexOf("</");
            at = next < 0 ? -1 : at + 2 + next;
        }

        return false;
    }

    // Attributes are not checked one by one: a tag is what ends with the line's last '>' outside quotes.
    private static bool IsWholeTag(ReadOnlySpan<char> after)
    {
        after = after.TrimEnd(" \t");
        if (after.IsEmpty || after[^1] != '>' || after[0] is not (' ' or '\t' or '/' or '>'))
            return false;
        var quote = '\0';
        foreach (var c in after[..^1])
        {
            if (quote != '\0')
                quote = c == quote ? '\0' : quote;
            else if (c is '"' or '\'')
                quote = c;
            else if (c is '<' or '>')
                return false;
        }

        return quote == '\0';
    }
}
