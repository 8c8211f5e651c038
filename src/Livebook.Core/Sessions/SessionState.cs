using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Livebook.Core.Notebooks;
using Livebook.Core.Text;
using Livebook.Core.Views;
using Livebook.Core.Wire;
using Livebook.Protocol;

namespace Livebook.Core.Sessions;

/// <summary>Everything a session knows. Immutable; only <see cref="SessionReducer"/> makes the next one.</summary>
public sealed record SessionState
{
    public required string Id { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>How many operations have been accepted: the number of the last entry of the log.</summary>
    public long Version { get; init; }
    public required Notebook Notebook { get; init; }

    /// <summary>What the session knows of each cell besides its place in the notebook.</summary>
    public ImmutableDictionary<string, CellState> Cells { get; init; } = ImmutableDictionary<string, CellState>.Empty;

    /// <summary>Cells that wait to be evaluated, in order.</summary>
    public ImmutableArray<string> Queue { get; init; } = [];
    public RuntimeState Runtime { get; init; } = new();
    public FileState File { get; init; } = new();

    /// <summary>Where code runs when there is no file; null = a directory of the session.</summary>
    public string? Directory { get; init; }

    /// <summary>Deleted cells by id, without outputs.</summary>
    public ImmutableDictionary<string, BinEntry> Bin { get; init; } = ImmutableDictionary<string, BinEntry>.Empty;
    public ImmutableDictionary<string, Notice> Notices { get; init; } = ImmutableDictionary<string, Notice>.Empty;

    /// <summary>Files kept with the notebook whose content is in the nodes' stores, by name.</summary>
    public ImmutableDictionary<string, Attachment> Attachments { get; init; } = ImmutableDictionary<string, Attachment>.Empty;

    /// <summary>Secrets of this session only, by name, encrypted.</summary>
    public ImmutableSortedDictionary<string, string> Secrets { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Names of the workspace's secrets that a user lets the session's code use.</summary>
    public ImmutableSortedSet<string> AllowedSecrets { get; init; } = [];

    /// <summary>Goes up whenever what the file holds has changed.</summary>
    public long ContentRevision { get; init; }

    /// <summary>Which <see cref="Stamp.Ref"/>s of each client were accepted, so that what is sent again does not happen again.</summary>
    public ImmutableDictionary<string, SeenRef> Refs { get; init; } = ImmutableDictionary<string, SeenRef>.Empty;

    /// <summary>Results by <c>Idempotency-Key</c>, kept for 24 h.</summary>
    public ImmutableDictionary<string, KeyedResult> Keys { get; init; } = ImmutableDictionary<string, KeyedResult>.Empty;

    /// <summary>Bytes of all outputs (two per UTF-16 unit).</summary>
    public long OutputBytes { get; init; }

    /// <summary>Limit of <see cref="OutputBytes"/>; what comes later is cut, and said.</summary>
    public long OutputLimitBytes { get; init; } = 50L * 1024 * 1024;

    /// <summary>State of a cell; a cell nobody touched has the initial one.</summary>
    public CellState StateOf(string cellId) => Cells.GetValueOrDefault(cellId, CellState.Initial);
}

/// <summary>Whether a cell waits or runs.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CellStatus>))]
public enum CellStatus
{
    [JsonStringEnumMemberName("ready")]
    Ready,

    [JsonStringEnumMemberName("queued")]
    Queued,

    [JsonStringEnumMemberName("evaluating")]
    Evaluating,
}

/// <summary>What a cell's outputs are worth. <em>Stale</em> is not stored: it follows from <see cref="CellState.Snapshot"/>.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CellValidity>))]
public enum CellValidity
{
    [JsonStringEnumMemberName("fresh")]
    Fresh,

    [JsonStringEnumMemberName("evaluated")]
    Evaluated,

    [JsonStringEnumMemberName("aborted")]
    Aborted,
}

/// <summary>What the session knows of one cell.</summary>
public sealed record CellState
{
    public static readonly CellState Initial = new();

    public CellStatus Status { get; init; }
    public CellValidity Validity { get; init; }
    public bool Errored { get; init; }

    /// <summary>The last evaluation did nothing: the cell's language, or something in it, cannot run here.</summary>
    public bool Unsupported { get; init; }

    /// <summary>Number of the last evaluation that was started; 0 = never.</summary>
    public int Evaluation { get; init; }

    /// <summary>The source that was evaluated last.</summary>
    [JsonConverter(typeof(SurrogateSafeString))]
    public string? EvaluatedSource { get; init; }

    /// <summary>Digest of what it built on when it was evaluated (see <see cref="Flow.Snapshots"/>); differing from the present one makes the cell stale.</summary>
    public ulong? Snapshot { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public double? DurationMs { get; init; }
    public string? Progress { get; init; }
    public ImmutableArray<CellOutput> Outputs { get; init; } = [];

    /// <summary>Counts outputs of this cell, for their ids.</summary>
    public int OutputCount { get; init; }
    public ImmutableArray<Diagnostic> Diagnostics { get; init; } = [];
    public int DiagnosticsRevision { get; init; }

    /// <summary>Counts the cell's text updates.</summary>
    public int TextRevision { get; init; }

    /// <summary>The last text updates, ending at <see cref="TextRevision"/>: what a late editor is rebased over.</summary>
    public ImmutableList<TextUpdate> TextHistory { get; init; } = [];
}

/// <summary>One output as the session keeps it.</summary>
public sealed record CellOutput
{
    public required string Id { get; init; }
    public required OutputKind Kind { get; init; }

    /// <summary>For text streams.</summary>
    public AppendLog<string>? Chunks { get; init; }

    /// <summary>Characters in <see cref="Chunks"/>.</summary>
    public long Length { get; init; }

    /// <summary>Characters cut from the front.</summary>
    public long Cut { get; init; }

    /// <summary>For everything else: MIME type → value; large values carry their hash.</summary>
    public ImmutableSortedDictionary<string, StoredValue>? Data { get; init; }
    public ErrorDetails? Error { get; init; }
}

/// <param name="Hash">Lower-case hex SHA-256 of the UTF-8 value, for values that do not travel inline.</param>
public sealed record StoredValue(string Value, string? Hash);

/// <summary>The session's runtime as far as the session knows.</summary>
public sealed record RuntimeState
{
    /// <summary><c>off</c>, <c>starting</c>, <c>connected</c> or <c>down</c>.</summary>
    public string Status { get; init; } = "off";

    /// <summary>Counts the processes that were asked for: word of an earlier one is not taken for that of a later one.</summary>
    public int Start { get; init; }

    /// <summary>Id of the process; null while there is none.</summary>
    public string? Id { get; init; }
    public string? Node { get; init; }
    public int? Pid { get; init; }
    public string? Framework { get; init; }
    public long MemoryBytes { get; init; }

    /// <summary>Why it is down, or out of reach for a while.</summary>
    public string? Message { get; init; }

    /// <summary>Number of the last report that is in the log.</summary>
    public long LastReport { get; init; }
}

/// <summary>Where the notebook is saved.</summary>
public sealed record FileState
{
    /// <summary><c>none</c>, <c>saved</c>, <c>dirty</c>, <c>saving</c>, <c>failed</c>, <c>changed_outside</c> or <c>out_of_reach</c>.</summary>
    public string State { get; init; } = "none";
    public string? Node { get; init; }
    public string? Path { get; init; }

    /// <summary>What the file looked like when we last saw it; null = it does not exist yet.</summary>
    public FileVersion? Version { get; init; }
    public long SavedRevision { get; init; }

    /// <summary>Hash of the content whose writing began last; it may be in the file although nobody could say so any more.</summary>
    public string? Attempt { get; init; }
    public DateTimeOffset? SavedAt { get; init; }
    public string? Message { get; init; }
}

/// <summary>The content of a file kept with the notebook.</summary>
/// <param name="Hash">Lower-case hex SHA-256.</param>
/// <param name="Size">Bytes.</param>
public sealed record Attachment(string Hash, long Size, DateTimeOffset StoredAt);

/// <summary>A deleted cell and where it was.</summary>
public sealed record BinEntry(Cell Cell, string Section, string SectionName, int Index, DateTimeOffset DeletedAt);

public sealed record Notice(string Level, string Text);

/// <summary>The accepted refs of one client: all up to <paramref name="Ref"/>, but not those in <paramref name="Open"/>.</summary>
/// <param name="Version">The version that holds the last of them.</param>
/// <param name="Open">Refs below <paramref name="Ref"/> that were not accepted, ascending: refused, or never sent. Sent again they are judged anew.</param>
public sealed record SeenRef(long Ref, DateTimeOffset At, long Version, ImmutableArray<long> Open)
{
    /// <summary>Open refs that are kept; a page has few submissions on their way that were refused.</summary>
    private const int OpenRefs = 64;

    /// <summary>Whether an operation with this ref happened.</summary>
    public bool Includes(long number) => number <= Ref && !Open.Contains(number);

    /// <summary>The same with one more accepted ref.</summary>
    /// <param name="before">Null for the client's first.</param>
    public static SeenRef With(SeenRef? before, long number, DateTimeOffset at, long version)
    {
        var highest = before?.Ref ?? 0;
        ImmutableArray<long> open = before?.Open ?? [];
        if (number <= highest)
            return new SeenRef(highest, at, version, open.Remove(number));
        var skipped = Math.Min(number - highest - 1, OpenRefs);
        for (var missing = number - skipped; missing < number; missing++)
            open = open.Add(missing);
        if (open.Length > OpenRefs)
            open = open.RemoveRange(0, open.Length - OpenRefs);
        return new SeenRef(number, at, version, open);
    }
}

public sealed record KeyedResult(DateTimeOffset At, long Version, string? Resource);
