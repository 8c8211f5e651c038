using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Livebook.Core.LiveMarkdown;
using Livebook.Core.Notebooks;
using Livebook.Protocol;

namespace Livebook.Core.Imports;

/// <summary>A Jupyter notebook on its way into ours, cell by cell.</summary>
internal sealed class IpynbImport
{
    private readonly string _idSeed;
    private readonly string _language;
    private readonly List<(string Name, List<Cell> Cells)> _sections = [];
    private readonly List<CodeCell> _setup = [];
    private readonly SortedDictionary<string, int> _unknown = new(StringComparer.Ordinal);
    private string? _name;
    private int _number;
    private int _cellCount;

    public IpynbImport(JsonElement metadata, string idSeed)
    {
        _idSeed = idSeed;
        var kernel = metadata.ObjectOf("kernelspec");
        _language =
            KernelNames.Of(metadata.ObjectOf("polyglot_notebook").ObjectOf("kernelInfo").TextOf("defaultKernelName"))
            ?? KernelNames.Of(kernel.TextOf("language"))
            ?? KernelNames.Of(kernel.TextOf("name"))
            ?? KernelNames.Of(metadata.ObjectOf("language_info").TextOf("name"))
            ?? "csharp";
        if (metadata.ObjectOf("widgets").ValueKind == JsonValueKind.Object)
            Warnings.Add("The notebook stores the state of widgets, which was not taken over.");
    }

    public List<string> Warnings { get; } = [];

    /// <summary>Adds a cell of the file.</summary>
    public void Add(JsonElement cell)
    {
        _number++;
        if (cell.ValueKind != JsonValueKind.Object)
        {
            Warn("is no cell and was left out.");
            return;
        }

        var source = cell.Joined("source");
        var metadata = cell.ObjectOf("metadata");
        var ours = metadata.ObjectOf("livebook").TextOf("kind");
        CountUnknown(metadata);
        if (cell.ObjectOf("attachments") is { ValueKind: JsonValueKind.Object } attachments && attachments.EnumerateObject().Any())
            Warn("has attached files, which were not taken over; the text still names them.");
        switch (cell.TextOf("cell_type"))
        {
            case "markdown" when ours == "cell":
                Append(new MarkdownCell { Id = NextId(), Source = source });
                break;
            case "markdown":
                AddMarkdown(source);
                break;
            case "code":
                AddCode(cell, source, metadata, ours);
                break;
            case "raw":
                Warn("is a raw cell; it became text.");
                AddText(source);
                break;
            default:
                Warn("is of an unknown kind; it became text.");
                AddText(source);
                break;
        }
    }

    public Notebook Finish(string defaultName)
    {
        foreach (var (key, count) in _unknown)
            Warnings.Add(string.Create(CultureInfo.InvariantCulture, $"The cell metadata “{key}” of {count} cells was not taken over."));
        if (_sections.Count == 0)
            _sections.Add((Section.DefaultName, [new CodeCell { Id = NextId(), Language = _language }]));
        var notebook = new Notebook
        {
            Name = _name ?? defaultName,
            DefaultLanguage = _language,
            Sections =
            [
                .. _sections.Select(
                    (section, i) =>
                        new Section
                        {
                            Id = CellIds.Of(_idSeed, "section", i),
                            Name = section.Name,
                            Cells = [.. section.Cells],
                        }
                ),
            ],
        };
        return _setup.Count == 0 ? notebook : notebook with { Setup = Section.NewSetup() with { Cells = [.. _setup] } };
    }

    private string NextId() => CellIds.Of(_idSeed, "cell", _cellCount++);

    private void Warn(string what) => Warnings.Add(string.Create(CultureInfo.InvariantCulture, $"Cell {_number} {what}"));

    private void CountUnknown(JsonElement metadata)
    {
        if (metadata.ValueKind != JsonValueKind.Object)
            return;
        foreach (var property in metadata.EnumerateObject())
        {
            if (property.Name is not ("dotnet_interactive" or "polyglot_notebook" or "vscode" or "livebook"))
                _unknown[property.Name] = _unknown.GetValueOrDefault(property.Name) + 1;
        }
    }

    private void Append(Cell cell)
    {
        if (_sections.Count == 0)
            _sections.Add((Section.DefaultName, []));
        _sections[^1].Cells.Add(cell);
    }

    // The first title names the notebook; later ones and level-two headings start sections. What is between them are cells.
    private void AddMarkdown(string source)
    {
        var scanner = new BlockScanner(source);
        var start = 0;
        while (scanner.Next(out var block))
        {
            if (block is not { Kind: BlockKind.Heading, Level: 1 or 2 })
                continue;
            var name = Names.Collapse(source[block.ContentStart..block.ContentEnd]);
            if (name.Length == 0)
                continue;
            AddText(source[start..block.Start]);
            if (block.Level == 1 && _name is null)
                _name = name;
            else
                _sections.Add((name, []));
            start = block.End;
        }

        if (start == 0)
            Append(new MarkdownCell { Id = NextId(), Source = source });
        else
            AddText(source[start..]);
    }

    private void AddText(string text)
    {
        // Only whole blank lines go: indentation may mean something.
        var lines = text.Split('\n').AsEnumerable();
        lines = lines.SkipWhile(string.IsNullOrWhiteSpace).Reverse().SkipWhile(string.IsNullOrWhiteSpace).Reverse();
        if (string.Join('\n', lines) is { Length: > 0 } source)
            Append(new MarkdownCell { Id = NextId(), Source = source });
    }

    private void AddCode(JsonElement cell, string source, JsonElement metadata, string? ours)
    {
        var language =
            KernelNames.Of(metadata.ObjectOf("dotnet_interactive").TextOf("language"))
            ?? KernelNames.Of(metadata.ObjectOf("polyglot_notebook").TextOf("kernelName"))
            ?? KernelNames.Of(metadata.ObjectOf("vscode").TextOf("languageId"))
            ?? _language;
        var outputs = Outputs(cell);
        if (ours == "setup")
        {
            var taken = _setup.Select(each => each.Id).ToHashSet();
            _setup.Add(
                new()
                {
                    Id = CellIds.OfSetup(_setup.Count, language, taken),
                    Language = language,
                    Source = source,
                    StoredOutputs = outputs,
                }
            );
            return;
        }

        if (ours == "cell")
        {
            Append(
                new CodeCell
                {
                    Id = NextId(),
                    Language = language,
                    Source = source,
                    StoredOutputs = outputs,
                }
            );
            return;
        }

        var parts = MagicSplit.Split(
            source,
            language,
            (line, command) =>
                Warn(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"has in line {line} the command “{command}”, which means nothing here; it was kept in the source."
                    )
                )
        );
        var last = parts.FindLastIndex(part => part.Language != KernelNames.Markdown);
        if (last < 0 && !outputs.IsEmpty)
            Warn("is only text; its outputs were not taken over.");
        for (var i = 0; i < parts.Count; i++)
        {
            var (partLanguage, partSource) = parts[i];
            if (partLanguage == KernelNames.Markdown)
            {
                AddText(partSource);
                continue;
            }

            Append(
                new CodeCell
                {
                    Id = NextId(),
                    Language = partLanguage,
                    Source = partSource,
                    StoredOutputs = i == last ? outputs : [],
                }
            );
        }
    }

    private ImmutableArray<Output> Outputs(JsonElement cell)
    {
        if (!cell.TryGetProperty("outputs", out var list) || list.ValueKind != JsonValueKind.Array)
            return [];
        var outputs = ImmutableArray.CreateBuilder<Output>();
        foreach (var each in list.EnumerateArray())
        {
            if (IpynbOutputs.Read(each) is { } output)
                outputs.Add(output);
            else
                Warn("has an output of an unknown kind, which was left out.");
        }

        return outputs.ToImmutable();
    }
}
