using System.Collections.Immutable;
using System.Text;
using Livebook.Core.Notebooks;
using Livebook.Protocol;

namespace Livebook.Core.LiveMarkdown;

internal sealed partial class NotebookAssembly
{
    private int _cellCount;

    /// <summary>Outputs of the last cell while they are read; null when none were.</summary>
    private ImmutableArray<Output>.Builder? _outputs;
    private int _outputsStart;
    private bool _outputsOpen;

    private string NextCellId() => CellIds.Of(idSeed, "cell", _cellCount++);

    private void TakeText(Block block)
    {
        _inHead = false;
        if (_pending is not null && IsOnlyForce(_pending))
            _pending = null;
        if (_markdown is null || _pending is not null)
            StartMarkdown(block.Start, null);
        Extend(block);
        if (block.Kind == BlockKind.Heading && _demote && block.Level < 6)
            Demote(block);
        if (Text.AsSpan(block.Start..block.End).Contains("](images/", StringComparison.Ordinal))
            Warn(block.Start, "Images in the folder images/ are an old habit; Livebook keeps them in files/ now.");
    }

    private void Demote(Block block)
    {
        var mark = Text.AsSpan(block.Start..block.End).TrimStart(" \t");
        if (mark[0] == '#' && LineRules.HeadingLevel(mark) == block.Level)
        {
            var at = block.End - mark.Length;
            _markdown!.Replace(at, at, "#");
        }
        else
        {
            _markdown!.Replace(block.Start, block.End, "### " + Names.Collapse(file.Read(block.ContentStart, block.ContentEnd)));
        }
    }

    private static bool IsOnlyForce(Metadata values) => values.Values.Count == 1 && values.Values.ContainsKey("force_markdown");

    private void StartMarkdown(int textStart, string? exact)
    {
        FinishMarkdown();
        FinishOutputs();
        var (start, values, isMisplaced) = TakePending(textStart);
        // These describe fences; a text that begins with one must not carry them on.
        values.Take("livebook_object");
        values.Take("cell_language");
        _markdown = new(start, textStart)
        {
            Exact = exact,
            IsMisplaced = isMisplaced || !IsClean(start),
            Extra = values.Values.ToImmutableSortedDictionary(StringComparer.Ordinal),
            Before = Gap(start),
        };
    }

    /// <summary>What describes the block that starts here, without what only tells where blocks begin, and whether its spelling cannot stand elsewhere.</summary>
    private (int Start, Metadata Values, bool IsMisplaced) TakePending(int blockStart)
    {
        if (_pending is not { } values)
            return (blockStart, new(), false);
        _pending = null;
        values.Take("break_markdown");
        values.Take("force_markdown");
        var isOutput = values.Take("output") is not null;
        // With a comment of the head in between, its spelling would overlap the head's.
        return (_pendingStart, values, isOutput || _pendingStart < _end);
    }

    private void Extend(Block block)
    {
        var markdown = _markdown!;
        if (markdown.IsEmpty)
            markdown.TextStart = block.Start;
        markdown.IsEmpty = false;
        markdown.End = block.End;
        markdown.IsOpen = block.Closer is not null;
        _end = block.End;
    }

    private void FinishMarkdown()
    {
        if (_markdown is not { } markdown)
            return;
        _markdown = null;
        if (markdown is { IsEmpty: true, Exact: null })
            return;
        var source = markdown.IsEmpty ? "" : markdown.Source(file);
        if (markdown.Exact is { } exact)
        {
            // The text is what Markdown viewers show; whoever changed it there meant it.
            if (MarkdownSource.Of(exact).Text == (markdown.IsEmpty ? "" : file.Read(markdown.TextStart, markdown.End)))
                source = exact;
            else
                Warn(markdown.TextStart, "The text was changed outside; its stored source is not used.");
        }

        var cell = new MarkdownCell
        {
            Id = NextCellId(),
            Source = source,
            ExtraMetadata = markdown.Extra,
        };
        var origin = new Origin(Text[markdown.Start..markdown.End], markdown.IsMisplaced ? "" : Fingerprints.Of(cell), markdown.Before)
        {
            IsBytes = file.IsBytes,
            IsOpen = markdown.IsOpen,
        };
        CurrentSection().Cells.Add(_demote ? cell : cell with { Origin = origin });
    }

    private void TakeFence(Block block)
    {
        _inHead = false;
        var info = file.Read(block.InfoStart, block.InfoEnd);
        if (_pending is not null && _markdown is null && _pending.Values.TryGetValue("output", out var output) && output == "true" && FollowsCode())
        {
            TakeOutput(block, info);
            return;
        }

        if (_pending is not null && IsOnlyForce(_pending))
        {
            TakeForced(block);
            return;
        }

        var word = MarkdownSource.FirstWord(info).ToString();
        var isSmart = _pending is not null && TextOf(_pending, "livebook_object") == "smart_cell";
        var forced = _pending is null ? null : TextOf(_pending, "cell_language");
        if (isSmart || forced is not null || CellLanguages.AreCells(word) || (word == CellLanguages.PyProject && IsSecondSetupCell()))
            TakeCell(block, info, forced, isSmart);
        else
            TakeText(block);
    }

    // The comment and what separates it from the fence are not part of the source.
    private void TakeForced(Block block)
    {
        var commentStart = _pendingStart;
        _pending = null;
        if (_markdown is null)
            StartMarkdown(commentStart, null);
        if (_markdown!.IsEmpty)
            _markdown.TextStart = commentStart;
        _markdown.IsEmpty = false;
        _markdown.Replace(commentStart, block.Start, "");
        Extend(block);
    }

    private bool FollowsCode() => _sections is [.., { Cells: [.., EvaluableCell] }];

    private bool IsSecondSetupCell() =>
        _hasTitle && _markdown is null && _setup is null && _sections is [{ Section.Origin.Text: "", Cells: [CodeCell { Language: "csharp" or "elixir" }] }];

    private void TakeCell(Block block, string info, string? forced, bool isSmart)
    {
        FinishMarkdown();
        FinishOutputs();
        var (start, values, isMisplaced) = TakePending(block.Start);
        values.Take("cell_language");
        var word = MarkdownSource.FirstWord(info).ToString();
        var rest = info[word.Length..].Trim(' ', '\t');
        if (forced is null && rest.Length > 0)
            values.Set("fence_info", rest);
        var language = forced ?? (word.Length > 0 ? word : "elixir");
        var isSetup = values.TakeFlag("setup");
        var automatically = values.TakeFlag("reevaluate_automatically");
        var continues = !isSmart && values.TakeFlag("continue_on_error");
        var size = TakeSize(values);
        var source = Unindented(file.Read(block.ContentStart, block.ContentEnd), block.Indent);
        EvaluableCell cell;
        if (isSmart)
        {
            values.Take("livebook_object");
            cell = new SmartCell
            {
                Id = NextCellId(),
                SmartKind = values.TakeString("kind") ?? "",
                Attributes = TakeAttributes(block, values),
                Chunks = values.Take("chunks") is { } chunks && chunks != "null" ? chunks : null,
            };
        }
        else
        {
            cell = new CodeCell { Id = NextCellId(), ContinueOnError = continues };
        }

        cell = cell with
        {
            Language = language,
            Source = source,
            ReevaluateAutomatically = automatically,
            OutputSize = size,
            ExtraMetadata = values.Values.ToImmutableSortedDictionary(StringComparer.Ordinal),
        };
        var section = CurrentSection();
        var isMarked = isSetup && cell is CodeCell && section.Section.Origin?.Text == "" && section.MarkedAsSetup == section.Cells.Count;
        isMisplaced |= isSetup != isMarked || !IsClean(start);
        cell = cell with
        {
            Origin = OriginOf(start, block.End, isMisplaced ? "" : Fingerprints.Of(cell)) with
            {
                IsOpen = block.Closer is not null,
                OutputsFingerprint = Fingerprints.Of([]),
            },
        };
        if (block.Closer is not null)
            Warn(block.Start, "The code is never closed; it goes on to the end of the file.");
        if (isMarked)
            section.MarkedAsSetup++;
        section.Cells.Add(cell);
        _end = block.End;
    }

    private static OutputSize TakeSize(Metadata values)
    {
        var size = TextOf(values, "output_size") switch
        {
            "wide" => OutputSize.Wide,
            "full" => OutputSize.Full,
            _ => OutputSize.Default,
        };
        if (size != OutputSize.Default)
            values.Take("output_size");
        return size;
    }

    private string TakeAttributes(Block block, Metadata values)
    {
        var raw = values.Take("attrs") ?? "{}";
        if (Metadata.TextOf(raw) is not { } encoded)
            return raw;
        var bytes = new byte[encoded.Length];
        if (Convert.TryFromBase64String(Padded(encoded), bytes, out var length) && System.Text.Unicode.Utf8.IsValid(bytes.AsSpan(0, length)))
            return Encoding.UTF8.GetString(bytes, 0, length);
        Warn(block.Start, "The smart cell's attributes cannot be read; they were kept as they are.");
        return raw;
    }

    private static string Unindented(string source, int indent)
    {
        if (indent == 0)
            return source;
        return string.Join('\n', source.Split('\n').Select(line => line[Math.Min(indent, line.Length - line.AsSpan().TrimStart(' ').Length)..]));
    }

    private void TakeOutput(Block block, string info)
    {
        _pending = null;
        if (_outputs is null)
        {
            _outputs = ImmutableArray.CreateBuilder<Output>();
            _outputsStart = _end;
        }

        if (info is "" or "output")
            _outputs.Add(Output.Text(OutputKind.Stdout, Unindented(file.Read(block.ContentStart, block.ContentEnd), block.Indent)));
        _outputsOpen = block.Closer is not null;
        _end = block.End;
    }

    private void FinishOutputs()
    {
        if (_outputs is null)
            return;
        var cells = _sections[^1].Cells;
        var cell = (EvaluableCell)cells[^1];
        var outputs = _outputs.ToImmutable();
        _outputs = null;
        cells[^1] = cell with
        {
            StoredOutputs = outputs,
            Origin = cell.Origin! with { Outputs = Text[_outputsStart.._end], OutputsFingerprint = Fingerprints.Of(outputs), IsOpen = _outputsOpen },
        };
    }
}
