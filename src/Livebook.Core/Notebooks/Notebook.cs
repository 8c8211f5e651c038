using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Livebook.Core.Text;
using Livebook.Protocol;

namespace Livebook.Core.Notebooks;

/// <summary>A notebook: what a <c>.livemd</c> file holds. Immutable; text uses <c>\n</c> line ends.</summary>
public sealed record Notebook
{
    /// <summary>Name of a notebook that nobody named.</summary>
    public const string DefaultName = "Untitled notebook";

    public string Name { get; init; } = DefaultName;

    /// <summary>The setup section: always there, always first, its first cell has the id <c>setup</c>.</summary>
    public Section Setup { get; init; } = Section.NewSetup();

    /// <summary>The sections below the setup section, in order.</summary>
    public ImmutableArray<Section> Sections { get; init; } = [];

    /// <summary>HTML comments in front of the title, without their delimiters.</summary>
    public ImmutableArray<string> LeadingComments { get; init; } = [];

    public bool PersistOutputs { get; init; }

    /// <summary>Seconds between automatic saves; null = never.</summary>
    public int? AutosaveSeconds { get; init; } = 5;

    /// <summary>Language of new code cells.</summary>
    public string DefaultLanguage { get; init; } = "csharp";

    /// <summary>Keys of the notebook's metadata comment that have no property here, as raw JSON by key; written back unchanged.</summary>
    public ImmutableSortedDictionary<string, string> ExtraMetadata { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>How the file spelled the parts that are not sections; null for a notebook that did not come from a file.</summary>
    public Origin? Origin { get; init; }

    /// <summary>The setup section followed by the others.</summary>
    [JsonIgnore]
    public IEnumerable<Section> AllSections => Sections.Prepend(Setup);

    /// <summary>Every cell in document order, setup cells first.</summary>
    [JsonIgnore]
    public IEnumerable<Cell> Cells => AllSections.SelectMany(section => section.Cells);

    /// <summary>The cell with this id, or null.</summary>
    public Cell? Find(string cellId) => Cells.FirstOrDefault(cell => cell.Id == cellId);

    /// <summary>The section that holds this cell, or null.</summary>
    public Section? SectionOf(string cellId) => AllSections.FirstOrDefault(section => section.Cells.Any(cell => cell.Id == cellId));

    /// <summary>The section with this id, or null.</summary>
    public Section? FindSection(string sectionId) => AllSections.FirstOrDefault(section => section.Id == sectionId);
}

/// <summary>A section: a heading and its cells.</summary>
public sealed record Section
{
    /// <summary>Id of the setup section.</summary>
    public const string SetupId = "setup-section";

    /// <summary>Name of a section that nobody named.</summary>
    public const string DefaultName = "Section";

    public required string Id { get; init; }
    public string Name { get; init; } = DefaultName;

    /// <summary>Id of the section this one branches from; null for a regular section.</summary>
    public string? Parent { get; init; }

    public ImmutableArray<Cell> Cells { get; init; } = [];

    /// <summary>Unknown keys of the section's metadata comment, raw JSON by key.</summary>
    public ImmutableSortedDictionary<string, string> ExtraMetadata { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>How the file spelled the heading and its metadata; null for a new section.</summary>
    public Origin? Origin { get; init; }

    /// <summary>An empty setup section with its one cell.</summary>
    public static Section NewSetup() =>
        new()
        {
            Id = SetupId,
            Name = "Setup",
            Cells = [new CodeCell { Id = Cell.SetupId, Language = "csharp" }],
        };
}

/// <summary>How a file spelled something, to be written back verbatim while its meaning is unchanged.</summary>
/// <param name="Text">The exact text of the block, metadata comments included.</param>
/// <param name="Fingerprint">What the block meant when it was read; differs as soon as somebody changes it. Made by the reader.</param>
/// <param name="Before">The exact text between the previous block's end and this one (blank lines).</param>
public sealed record Origin(string Text, string Fingerprint, string Before);

/// <summary>A cell.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(MarkdownCell), "markdown")]
[JsonDerivedType(typeof(CodeCell), "code")]
[JsonDerivedType(typeof(SmartCell), "smart")]
public abstract record Cell
{
    /// <summary>Id of the main setup cell.</summary>
    public const string SetupId = "setup";

    public required string Id { get; init; }

    /// <summary>The text. May hold lone surrogates while somebody edits; written as U+FFFD.</summary>
    [JsonConverter(typeof(SurrogateSafeString))]
    public string Source { get; init; } = "";

    /// <summary>Unknown keys of the cell's metadata comment, raw JSON by key.</summary>
    public ImmutableSortedDictionary<string, string> ExtraMetadata { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>How the file spelled the cell (and its stored outputs); null for a new cell.</summary>
    public Origin? Origin { get; init; }
}

/// <summary>Prose.</summary>
public sealed record MarkdownCell : Cell;

/// <summary>A cell that can be evaluated.</summary>
public abstract record EvaluableCell : Cell
{
    public string Language { get; init; } = "csharp";
    public bool ReevaluateAutomatically { get; init; }

    public OutputSize OutputSize { get; init; }

    /// <summary>Outputs stored in the file, oldest first; what the session shows until the cell is evaluated.</summary>
    public ImmutableArray<Output> StoredOutputs { get; init; } = [];
}

/// <summary>Code that a person wrote.</summary>
public sealed record CodeCell : EvaluableCell
{
    public bool ContinueOnError { get; init; }
}

/// <summary>Code generated by a form. Kept as it is; <see cref="Cell.Source"/> is the generated code.</summary>
public sealed record SmartCell : EvaluableCell
{
    /// <summary>The form's kind.</summary>
    public required string SmartKind { get; init; }

    /// <summary>The form's attributes: JSON.</summary>
    public string Attributes { get; init; } = "{}";

    /// <summary>Pairs of offset and size into the source, or null; raw JSON.</summary>
    public string? Chunks { get; init; }
}

/// <summary>How wide outputs are shown.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OutputSize>))]
public enum OutputSize
{
    [JsonStringEnumMemberName("default")]
    Default,

    [JsonStringEnumMemberName("wide")]
    Wide,

    [JsonStringEnumMemberName("full")]
    Full,
}
