using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Livebook.Core.Notebooks;
using Livebook.Protocol;

namespace Livebook.Core.Views;

/// <summary>What authors see of a session: facts only, keyed maps plus arrays of ids for order. Text is beside it (<c>CellText</c>).</summary>
public sealed record SessionView
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required bool PersistOutputs { get; init; }

    /// <summary>0 = never.</summary>
    public required int AutosaveSeconds { get; init; }
    public required string DefaultLanguage { get; init; }

    /// <summary>Ids of the sections, the setup section first.</summary>
    public required ImmutableArray<string> SectionOrder { get; init; }
    public required ImmutableDictionary<string, SectionView> Sections { get; init; }
    public required ImmutableDictionary<string, CellView> Cells { get; init; }
    public required FileView File { get; init; }
    public required RuntimeView Runtime { get; init; }
    public required ImmutableDictionary<string, BinView> Bin { get; init; }
    public required ImmutableDictionary<string, NoticeView> Notices { get; init; }

    /// <summary>Files of the notebook by name.</summary>
    public required ImmutableDictionary<string, FileEntryView> FileEntries { get; init; }

    /// <summary>Secrets that code may use, by name: <c>session</c> for one of this session only, <c>workspace</c> for an allowed one of the workspace.</summary>
    public required ImmutableDictionary<string, string> Secrets { get; init; }
}

public sealed record SectionView(string Name, string? Parent, ImmutableArray<string> Cells);

/// <summary>A cell without its text.</summary>
public sealed record CellView
{
    /// <summary><c>markdown</c>, <c>code</c> or <c>smart</c>.</summary>
    public required string Kind { get; init; }
    public required string Section { get; init; }

    /// <summary>Null for markdown.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Language { get; init; }

    /// <summary><c>ready</c>, <c>queued</c> or <c>evaluating</c>.</summary>
    public string Status { get; init; } = "ready";

    /// <summary><c>fresh</c>, <c>evaluated</c>, <c>stale</c> or <c>aborted</c>.</summary>
    public string Validity { get; init; } = "fresh";

    /// <summary>The last evaluation failed.</summary>
    public bool Errored { get; init; }

    /// <summary>The text differs from what was evaluated last.</summary>
    public bool Changed { get; init; }

    /// <summary>How often it was evaluated.</summary>
    public int Evaluations { get; init; }

    /// <summary>When the running evaluation began.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? StartedAt { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? DurationMs { get; init; }

    /// <summary>What the evaluation is busy with before it runs code, e.g. restoring packages.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Progress { get; init; }
    public bool ReevaluateAutomatically { get; init; }
    public bool ContinueOnError { get; init; }
    public OutputSize OutputSize { get; init; }

    /// <summary>Ids of the outputs, oldest first.</summary>
    public ImmutableArray<string> OutputOrder { get; init; } = [];
    public ImmutableDictionary<string, OutputView> Outputs { get; init; } = ImmutableDictionary<string, OutputView>.Empty;
    public ImmutableArray<Diagnostic> Diagnostics { get; init; } = [];

    /// <summary>Text revision the diagnostics refer to.</summary>
    public int DiagnosticsRevision { get; init; }
}

/// <summary>One output. Text streams in <see cref="Chunks"/>; everything else is in <see cref="Data"/>.</summary>
public sealed record OutputView
{
    public required OutputKind Kind { get; init; }

    /// <summary>For stdout and stderr: pieces of text in order; only ever appended to. May hold ANSI codes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public AppendLog<string>? Chunks { get; init; }

    /// <summary>Characters that were cut from the front of <see cref="Chunks"/>.</summary>
    public long Cut { get; init; }

    /// <summary>MIME type → value, or a reference to it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImmutableSortedDictionary<string, OutputData>? Data { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ErrorDetails? Error { get; init; }
}

/// <summary>A value, or where to get it: values above 32 KB are fetched from <c>blobs/{Hash}</c>.</summary>
public sealed record OutputData(string? Value, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Hash = null, long Size = 0);

/// <param name="State"><c>none</c>, <c>saved</c>, <c>dirty</c>, <c>saving</c>, <c>failed</c>, <c>changed_outside</c>, <c>out_of_reach</c>.</param>
public sealed record FileView(string State, string? Node, string? Path, DateTimeOffset? SavedAt, string? Message);

/// <param name="Status"><c>off</c>, <c>starting</c>, <c>idle</c>, <c>busy</c>, <c>down</c>.</param>
public sealed record RuntimeView(string Status, string? Node, int? Pid, string? Framework, long MemoryBytes, string? Message);

public sealed record BinView(string Kind, string? Language, string Source, string SectionName, DateTimeOffset DeletedAt);

/// <param name="Level"><c>info</c>, <c>warning</c> or <c>error</c>.</param>
public sealed record NoticeView(string Level, string Text);

/// <param name="Kind"><c>attachment</c>: kept with the notebook; <c>url</c> or <c>file</c>: a reference.</param>
/// <param name="Hash">Of an attachment's content; null while the session does not have it.</param>
/// <param name="Location">Where a reference leads.</param>
public sealed record FileEntryView(string Kind, long Size, string? Hash, string? Location);
