using System.Collections.Immutable;
using System.Text;
using Livebook.Core.Notebooks;

namespace Livebook.Core.LiveMarkdown;

/// <summary>Puts a notebook together from the blocks of a file.</summary>
internal sealed partial class NotebookAssembly(FileText file, string idSeed)
{
    private readonly ImmutableArray<string>.Builder _warnings = ImmutableArray.CreateBuilder<string>();
    private readonly ImmutableArray<string>.Builder _comments = ImmutableArray.CreateBuilder<string>();
    private readonly List<SectionDraft> _sections = [];

    private Notebook _notebook = new();
    private Section? _setup;
    private bool _languageGiven;
    private bool _inHead = true;
    private bool _hasTitle;
    private bool _titleMoved;
    private bool _demote;

    /// <summary>There is a title somewhere.</summary>
    private bool _isTitled;
    private int _headEnd;

    /// <summary>End of the last block that belongs to something.</summary>
    private int _end;

    /// <summary>Metadata comments that wait for the block they describe.</summary>
    private Metadata? _pending;
    private int _pendingStart;
    private MarkdownDraft? _markdown;
    private int? _stampStart;

    public ImmutableArray<string> Warnings => _warnings.ToImmutable();

    public string Text => file.Text;

    public int ByteCount(string text) => file.IsBytes ? text.Length : Encoding.UTF8.GetByteCount(text);

    public Notebook Read()
    {
        var start = BomLength();
        CountTitles(start);
        if (file.IsBytes)
            _warnings.Add("The file is not valid UTF-8; what could not be read is shown as \uFFFD and kept in the file while its cell is not changed.");

        var scanner = new BlockScanner(Text, start);
        var isFirst = true;
        while (scanner.Next(out var block))
        {
            if (isFirst)
                _headEnd = _end = block.Start;
            isFirst = false;
            Take(block);
        }

        if (isFirst)
            _headEnd = _end = start;
        FinishMarkdown();
        FinishFirstSection();
        return Finished();
    }

    private int BomLength() =>
        Text.StartsWith('\uFEFF') ? 1
        : file.IsBytes && Text.StartsWith("\u00EF\u00BB\u00BF", StringComparison.Ordinal) ? 3
        : 0;

    private void Warn(int offset, string sentence) => _warnings.Add(FormattableString.Invariant($"Line {file.LineOf(offset)}: {sentence}"));

    private void CountTitles(int start)
    {
        var scanner = new BlockScanner(Text, start);
        var titles = 0;
        while (titles < 2 && scanner.Next(out var block))
        {
            if (block is { Kind: BlockKind.Heading, Level: 1 })
                titles++;
        }

        _isTitled = titles > 0;
        _demote = titles > 1;
        if (_demote)
            _warnings.Add("The file has several titles (level-one headings); all headings were moved one level down, and the notebook has no name.");
    }

    private void Take(Block block)
    {
        switch (block.Kind)
        {
            case BlockKind.Comment when Metadata.Is(Text.AsSpan(block.ContentStart..block.ContentEnd)):
                TakeMetadata(block);
                break;
            case BlockKind.Comment when _inHead && (_pending is null || _isTitled):
                if (_pending is not null)
                    Warn(block.Start, "A comment stands behind the notebook's metadata; it belongs in front of it.");
                _comments.Add(file.Read(block.ContentStart, block.ContentEnd).Trim());
                _headEnd = _end = block.End;
                break;
            case BlockKind.Heading when block.Level == 1 && !_demote:
                TakeTitle(block);
                break;
            case BlockKind.Heading when block.Level == (_demote ? 1 : 2):
                TakeSection(block);
                break;
            case BlockKind.Fence:
                TakeFence(block);
                break;
            default:
                TakeText(block);
                break;
        }
    }

    private void TakeMetadata(Block block)
    {
        var values = new Metadata();
        if (!values.TryAdd(file.Read(block.ContentStart, block.ContentEnd)))
        {
            Warn(block.Start, "The metadata comment holds no valid JSON object; it was kept as text.");
            TakeText(block);
            return;
        }

        if (values.Values.ContainsKey("stamp"))
        {
            if (Text.AsSpan(block.End).IndexOfAnyExcept(" \t\r\n") < 0)
            {
                FinishMarkdown();
                _stampStart = block.Start;
                return;
            }

            Warn(block.Start, "A stamp that is not at the end of the file is ignored.");
            values.Values.Remove("stamp");
            values.Values.Remove("offset");
        }

        if (TextOf(values, "livebook_object") == "cell_input")
        {
            Warn(block.Start, "Input cells of old versions of Livebook are not supported; this one was left out.");
            values.Values.Clear();
        }

        // What waits describes the markdown cell; this one only its first fence.
        if (_pending is not null && IsOnlyForce(values) && !IsOnlyForce(_pending))
        {
            _inHead = false;
            StartMarkdown(block.Start, null);
        }

        if (_pending is null)
            _pendingStart = block.Start;
        _pending ??= new();
        foreach (var (key, value) in values.Values)
            _pending.Values[key] = value;
        if (TextOf(_pending, "markdown_source") is { } encoded)
        {
            _inHead = false;
            if (ExactSource(encoded) is not { } exact)
            {
                Warn(block.Start, "The stored source of this text cannot be read; the text below counts.");
                _pending.Values.Remove("markdown_source");
                return;
            }

            _pending.Values.Remove("markdown_source");
            StartMarkdown(block.End, exact);
            _end = block.End;
        }
    }

    private static string? TextOf(Metadata values, string key) => values.Values.TryGetValue(key, out var raw) ? Metadata.TextOf(raw) : null;

    private static string? ExactSource(string encoded)
    {
        var bytes = new byte[encoded.Length];
        return Convert.TryFromBase64String(Padded(encoded), bytes, out var length) ? FileText.WithLineFeeds(Encoding.UTF8.GetString(bytes, 0, length)) : null;
    }

    private static string Padded(string encoded) => encoded.PadRight((encoded.Length + 3) / 4 * 4, '=');

    private void TakeTitle(Block block)
    {
        FinishMarkdown();
        FinishOutputs();
        var name = Names.Collapse(file.Read(block.ContentStart, block.ContentEnd));
        _notebook = _notebook with { Name = name.Length == 0 ? Notebook.DefaultName : name };
        _hasTitle = true;
        TakeNotebookMetadata();
        if (_inHead)
        {
            _headEnd = block.End;
        }
        else
        {
            _titleMoved = true;
            Warn(block.Start, "The title is not the first thing in the file; it was moved to the top.");
        }

        _inHead = false;
        _end = block.End;
    }

    private void TakeNotebookMetadata()
    {
        if (_pending is null)
            return;
        var (_, values, _) = TakePending(0);
        var language = values.TakeString("default_language");
        _languageGiven |= language is not null;
        _notebook = _notebook with { PersistOutputs = values.TakeFlag("persist_outputs"), DefaultLanguage = language ?? _notebook.DefaultLanguage };
        if (values.Values.TryGetValue("autosave_interval_s", out var raw))
        {
            var isNumber = int.TryParse(raw, System.Globalization.CultureInfo.InvariantCulture, out var seconds) && seconds > 0;
            if (isNumber || raw == "null")
            {
                values.Values.Remove("autosave_interval_s");
                _notebook = _notebook with { AutosaveSeconds = isNumber ? seconds : null };
            }
        }

        _notebook = _notebook with { ExtraMetadata = values.Values.ToImmutableSortedDictionary(StringComparer.Ordinal) };
    }

    private void TakeSection(Block block)
    {
        FinishMarkdown();
        if (_demote && _inHead)
            TakeNotebookMetadata();

        _inHead = false;
        FinishFirstSection();
        var (start, values, isMisplaced) = TakePending(block.Start);
        int? parent = null;
        if (values.Take("branch_parent_index") is { } raw)
        {
            if (int.TryParse(raw, System.Globalization.CultureInfo.InvariantCulture, out var index))
                parent = index;
            else
                Warn(block.Start, "The section's branch_parent_index is no number; it was ignored.");
        }

        var name = Names.Collapse(file.Read(block.ContentStart, block.ContentEnd));
        var section = new Section
        {
            Id = CellIds.Of(idSeed, "section", _sections.Count),
            Name = name.Length == 0 ? Section.DefaultName : name,
            ExtraMetadata = values.Values.ToImmutableSortedDictionary(StringComparer.Ordinal),
            Origin = _demote || isMisplaced || !IsClean(start) ? null : OriginOf(start, block.End, ""),
        };
        _sections.Add(new(section) { Parent = parent, Line = file.LineOf(block.Start) });
        _end = block.End;
    }

    private Origin OriginOf(int start, int end, string fingerprint) => new(Text[start..end], fingerprint, Gap(start)) { IsBytes = file.IsBytes };

    /// <summary>Whether only blank lines are in front of the block; comments there that describe nothing would, with changed neighbours, come to describe it.</summary>
    private bool IsClean(int start) => Text.AsSpan(Math.Min(_end, start)..start).IndexOfAnyExcept(" \t\r\n") < 0;

    private string Gap(int start) => IsClean(start) ? Text[Math.Min(_end, start)..start] : "";

    private SectionDraft CurrentSection()
    {
        if (_sections.Count == 0)
            _sections.Add(new(new Section { Id = CellIds.Of(idSeed, "section", 0), Origin = new("", "", "") }));
        return _sections[^1];
    }

    /// <summary>The cells in front of the first section heading are the setup cells, or a section without heading.</summary>
    private void FinishFirstSection()
    {
        FinishOutputs();
        if (_sections is not [{ Section.Origin.Text: "" } first] || _setup is not null)
            return;
        var count = _hasTitle && CellLanguages.AreSetup(first.Cells) ? first.Cells.Count : first.MarkedAsSetup;
        if (count == 0)
            return;
        var taken = new HashSet<string>();
        var cells = first.Cells.Take(count).Select((cell, i) => cell with { Id = SetupId(i, cell) }).ToImmutableArray();
        _setup = Section.NewSetup() with { Cells = cells };
        first.Cells.RemoveRange(0, count);
        first.MarkedAsSetup = 0;
        if (first.Cells.Count == 0)
            _sections.Clear();

        string SetupId(int index, Cell cell)
        {
            var id = CellIds.OfSetup(index, ((CodeCell)cell).Language, taken);
            taken.Add(id);
            return id;
        }
    }

    private Notebook Finished()
    {
        var sections = _sections.Select(Finished).ToImmutableArray();
        var notebook = _notebook with { Setup = _setup ?? Section.NewSetup(), Sections = sections, LeadingComments = _comments.ToImmutable() };
        if (!_languageGiven)
            notebook = notebook with { DefaultLanguage = CellLanguages.Inferred(notebook) };

        var line = Line.At(Text, 0);
        var after = Text[_end..];
        // Metadata that no title took up would describe whatever comes to stand behind the head.
        var isMoved = _titleMoved || _demote;
        var isIrregular = isMoved || (!_hasTitle && Text.AsSpan(0, _headEnd).Contains("livebook:", StringComparison.Ordinal));
        return notebook with
        {
            Origin = new(isMoved ? Text[..BomLength()] : Text[.._headEnd], isIrregular ? "" : Fingerprints.OfHead(notebook), "")
            {
                IsBytes = file.IsBytes,
                File = new()
                {
                    After = after,
                    StampAt = _stampStart - _end,
                    CrLf = line.Next - line.End == 2,
                    PersistedOutputs = notebook.PersistOutputs,
                },
            },
        };
    }

    private Section Finished(SectionDraft draft, int index)
    {
        int? parent = draft.Parent;
        if (parent is { } at)
        {
            var problem =
                at < 0 || at >= index ? "The section can only branch from an earlier one"
                : _sections[at].Section.Parent is not null ? "The section cannot branch from one that is branching itself"
                : null;
            if (problem is not null)
            {
                _warnings.Add(FormattableString.Invariant($"Line {draft.Line}: {problem}; it became a regular section."));
                parent = null;
            }
        }

        var section = draft.Section with { Parent = parent is { } found ? _sections[found].Section.Id : null, Cells = [.. draft.Cells] };
        if (section.Origin is { } origin)
            section = section with { Origin = origin with { Fingerprint = Fingerprints.Of(section, parent) } };
        draft.Section = section;
        return section;
    }
}
