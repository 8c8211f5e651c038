namespace Livebook.Core.LiveMarkdown;

/// <summary>
/// Cuts a text into top-level blocks, line by line, in linear time and without recursion. It follows CommonMark for what is top-level:
/// headings and fences inside lists, quotes, indented code and HTML are prose. Blank lines belong to no block.
/// </summary>
internal ref struct BlockScanner(ReadOnlySpan<char> text, int start = 0)
{
    private readonly ReadOnlySpan<char> _text = text;
    private int _at = start;

    /// <summary>How many lines were looked at; the measure of the work done.</summary>
    public int LinesRead { get; private set; }

    /// <summary>The next block; false at the end.</summary>
    public bool Next(out Block block)
    {
        while (_at < _text.Length)
        {
            var line = LineAt(_at);
            var content = line.Of(_text);
            if (Line.IsBlank(content))
            {
                _at = line.Next;
                continue;
            }

            var (columns, length) = Line.IndentOf(content);
            block = columns >= 4 ? IndentedCode(line) : BlockAt(line, content[length..], columns, length);
            return true;
        }

        block = default;
        return false;
    }

    private Block BlockAt(Line line, ReadOnlySpan<char> content, int columns, int length)
    {
        if (LineRules.HeadingLevel(content) is var level and > 0)
            return Heading(line, line.Start + length + level, level);
        if (LineRules.FenceLength(content) is var fence and > 0)
            return Fence(line, line.Start + length, fence, columns);
        if (HtmlRules.Start(content) is var html and > 0)
            return Html(line, line.Start + length, html);
        if (LineRules.IsThematicBreak(content))
            return Text(line.Start, line);
        if (content[0] == '>')
            return Quote(line);
        if (LineRules.IsListItem(content, out var width, out var isEmpty, out _))
            return List(line, columns + width, isEmpty);
        return Paragraph(line);
    }

    private Line LineAt(int at)
    {
        LinesRead++;
        return Line.At(_text, at);
    }

    private Block Text(int start, Line last)
    {
        _at = last.Next;
        return new(BlockKind.Text, start, last.End);
    }

    private Block Heading(Line line, int contentStart, int level)
    {
        _at = line.Next;
        var (start, end) = Trim(contentStart, line.End);
        // A closing run of # belongs to the mark if it stands apart.
        var hashes = end;
        while (hashes > start && _text[hashes - 1] == '#')
            hashes--;
        if (hashes < end && (hashes == start || _text[hashes - 1] is ' ' or '\t'))
            (start, end) = Trim(start, hashes);
        return new(BlockKind.Heading, line.Start, line.End)
        {
            Level = level,
            ContentStart = start,
            ContentEnd = end,
        };
    }

    private Block Fence(Line opening, int markStart, int length, int columns)
    {
        var mark = _text[markStart];
        var (infoStart, infoEnd) = Trim(markStart + length, opening.End);
        var contentStart = opening.Next;
        var contentEnd = contentStart;
        var last = opening;
        while (last.Next < _text.Length)
        {
            var line = LineAt(last.Next);
            last = line;
            var content = line.Of(_text);
            var (indent, skip) = Line.IndentOf(content);
            if (indent < 4 && LineRules.Run(content[skip..], mark) is var run && run >= length && Line.IsBlank(content[(skip + run)..]))
            {
                _at = line.Next;
                return Done(line.End, null);
            }

            contentEnd = line.End;
        }

        _at = _text.Length;
        return Done(last.End, new string(mark, length));

        Block Done(int end, string? closer) =>
            new(BlockKind.Fence, opening.Start, end)
            {
                InfoStart = infoStart,
                InfoEnd = infoEnd,
                ContentStart = contentStart,
                ContentEnd = contentEnd,
                Indent = columns,
                Closer = closer,
            };
    }

    private Block Html(Line first, int contentStart, int kind)
    {
        var last = first;
        if (kind >= HtmlRules.BlockTag)
        {
            while (last.Next < _text.Length && LineAt(last.Next) is var line && !Line.IsBlank(line.Of(_text)))
                last = line;
            return Text(first.Start, last) with { NeedsBlankLine = true };
        }

        var from = kind == 2 ? contentStart + 4 : contentStart;
        while (!HtmlRules.Ends(kind, _text[Math.Min(from, last.End)..last.End]))
        {
            if (last.Next >= _text.Length)
            {
                var open = Text(first.Start, last) with { Closer = HtmlRules.Closer(kind) };
                _at = _text.Length;
                return open;
            }

            last = LineAt(last.Next);
            from = last.Start;
        }

        if (kind != 2)
            return Text(first.Start, last);
        var end = from + _text[from..last.End].IndexOf("-->");
        if (!Line.IsBlank(_text[(end + 3)..last.End]))
            return Text(first.Start, last);
        _at = last.Next;
        return new(BlockKind.Comment, first.Start, last.End) { ContentStart = contentStart + 4, ContentEnd = end };
    }

    private Block IndentedCode(Line first)
    {
        var last = first;
        for (var at = first.Next; at < _text.Length; )
        {
            var line = LineAt(at);
            var content = line.Of(_text);
            at = line.Next;
            if (Line.IsBlank(content))
                continue;
            if (Line.IndentOf(content).Columns < 4)
                break;
            last = line;
        }

        return Text(first.Start, last);
    }

    private Block Quote(Line first)
    {
        var last = first;
        while (last.Next < _text.Length)
        {
            var line = LineAt(last.Next);
            var content = line.Of(_text);
            var (columns, length) = Line.IndentOf(content);
            content = content[length..];
            if (content.IsEmpty || (columns < 4 && content[0] != '>' && LineRules.InterruptsParagraph(content)))
                break;
            last = line;
        }

        return Text(first.Start, last);
    }

    private Block List(Line first, int width, bool isEmpty)
    {
        var last = first;
        var afterBlank = false;
        for (var at = first.Next; at < _text.Length; )
        {
            var line = LineAt(at);
            var content = line.Of(_text);
            at = line.Next;
            if (Line.IsBlank(content))
            {
                // An item without text ends at the first blank line.
                if (isEmpty)
                    break;
                afterBlank = true;
                continue;
            }

            var (columns, length) = Line.IndentOf(content);
            content = content[length..];
            isEmpty = false;
            if (columns < width)
            {
                if (columns < 4 && !LineRules.IsThematicBreak(content) && LineRules.IsListItem(content, out var next, out isEmpty, out _))
                    width = columns + next;
                else if (afterBlank || (columns < 4 && LineRules.InterruptsParagraph(content)))
                    break;
            }

            afterBlank = false;
            last = line;
        }

        return Text(first.Start, last);
    }

    private Block Paragraph(Line first)
    {
        var last = first;
        while (last.Next < _text.Length)
        {
            var line = LineAt(last.Next);
            var content = line.Of(_text);
            var (columns, length) = Line.IndentOf(content);
            content = content[length..];
            if (content.IsEmpty)
                break;
            if (columns < 4)
            {
                if (LineRules.SetextLevel(content) is var level and > 0)
                {
                    _at = line.Next;
                    return new(BlockKind.Heading, first.Start, line.End)
                    {
                        Level = level,
                        ContentStart = first.Start,
                        ContentEnd = last.End,
                    };
                }

                if (LineRules.InterruptsParagraph(content))
                    break;
            }

            last = line;
        }

        return Text(first.Start, last);
    }

    private readonly (int Start, int End) Trim(int start, int end)
    {
        while (start < end && _text[start] is ' ' or '\t')
            start++;
        while (end > start && _text[end - 1] is ' ' or '\t')
            end--;
        return (start, end);
    }
}
