using System.Buffers;
using System.Text;
using Livebook.Core.Notebooks;

namespace Livebook.Core.LiveMarkdown;

/// <summary>The bytes of a file, block by block, with what must be between them.</summary>
internal sealed class BlockSink(bool crLf)
{
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private string? _lastMarkdown;

    public ReadOnlySpan<byte> Bytes => _bytes.WrittenSpan;

    /// <summary>Nothing was written that a block must be set off from.</summary>
    public bool AtStart { get; set; } = true;

    /// <summary>The last block is a markdown cell of the same section.</summary>
    public bool AfterMarkdown => _lastMarkdown is not null;

    /// <summary>Whether the block is read as one of its own behind what was written: a list in front of it takes in what is indented.</summary>
    public bool MayFollow(string text)
    {
        if (_lastMarkdown is not { } markdown || !(text.StartsWith(' ') || text.StartsWith('\t')))
            return true;
        var start = markdown.Length + 2;
        var scanner = new BlockScanner($"{markdown}\n\n{text}");
        while (scanner.Next(out var block))
        {
            if (block.Start >= start)
                return block.Start == start;
        }

        return false;
    }

    /// <summary>Writes characters of a file as they were.</summary>
    public void Verbatim(string text, bool isBytes) => (isBytes ? Encoding.Latin1 : Encoding.UTF8).GetBytes(text, _bytes);

    /// <summary>Writes our own text, with the file's line ends.</summary>
    public void Fresh(string text) => Encoding.UTF8.GetBytes(crLf ? text.Replace("\n", "\r\n", StringComparison.Ordinal) : text, _bytes);

    /// <summary>Writes a block and what separates it from the last one.</summary>
    /// <param name="origin">How the file spelled it; null for a new block.</param>
    /// <param name="fresh">Our spelling; null = the file's.</param>
    /// <param name="isMarkdown">A markdown cell.</param>
    public void Add(Origin? origin, string? fresh, bool isMarkdown)
    {
        var text = fresh ?? origin!.Text;
        Separate(origin, text);
        if (fresh is null)
        {
            if (isMarkdown && AfterMarkdown && !BreaksMarkdown(text))
                Fresh(FreshText.BreakComment + "\n\n");
            Verbatim(text, origin!.IsBytes);
        }
        else
        {
            Fresh(fresh);
        }

        AtStart = false;
        _lastMarkdown = isMarkdown ? text : null;
    }

    /// <summary>Writes the end of the file; null = one line end.</summary>
    public void End(string? after, bool isBytes)
    {
        if (after is null)
        {
            Fresh("\n");
            return;
        }

        // A comment at the end that describes nothing must not become part of a changed text.
        var second = Line.At(after, Line.At(after, 0).Next);
        if (!Line.IsBlank(second.Of(after)) && _lastMarkdown is { } markdown && MarkdownSource.NeedsBlankLine(markdown))
            Fresh("\n");
        Verbatim(after, isBytes);
    }

    private void Separate(Origin? origin, string text)
    {
        var before = origin?.Before ?? "";
        var first = Line.At(before, 0);
        var startsWithLineEnd = first.Next > first.End && Line.IsBlank(first.Of(before));
        if (AtStart)
        {
            if (!startsWithLineEnd)
                Verbatim(before, origin?.IsBytes ?? false);
        }
        else if (!startsWithLineEnd)
        {
            Fresh("\n\n");
            Verbatim(before, origin?.IsBytes ?? false);
        }
        else if (first.Next == before.Length && _lastMarkdown is { } markdown && (MarkdownSource.NeedsBlankLine(markdown) || !InterruptsProse(text)))
        {
            Fresh("\n\n");
        }
        else
        {
            Verbatim(before, origin!.IsBytes);
        }
    }

    private static bool InterruptsProse(string text)
    {
        var content = Line.At(text, 0).Of(text).TrimStart(' ');
        return LineRules.HeadingLevel(content) > 0 || LineRules.FenceLength(content) > 0 || content.StartsWith("<!--", StringComparison.Ordinal);
    }

    // A comment of ours, alone on its lines and readable, that is not about a fence inside the cell.
    private static bool BreaksMarkdown(string text)
    {
        var scanner = new BlockScanner(text);
        var values = new Metadata();
        return scanner.Next(out var block)
            && block.Kind == BlockKind.Comment
            && Metadata.Is(text.AsSpan(block.ContentStart..block.ContentEnd))
            && values.TryAdd(text[block.ContentStart..block.ContentEnd])
            && !values.Values.ContainsKey("force_markdown");
    }
}
