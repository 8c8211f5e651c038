using System.Collections.Immutable;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Protocol;

namespace Livebook.Testing;

/// <summary>Small examples of things, with fixed ids and times.</summary>
public static class A
{
    /// <summary>Id of the section that <see cref="Session(Cell[])"/> makes.</summary>
    public const string SectionId = "section-main";

    /// <summary>When everything in the examples begins.</summary>
    public static readonly DateTimeOffset Start = new(2025, 1, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>A session with one regular section that holds these cells.</summary>
    public static TestSession Session(params Cell[] cells) => Session(Section(SectionId, cells));

    /// <summary>A session with these sections below an empty setup cell.</summary>
    public static TestSession Session(params Section[] sections) => new(SessionReducer.Open("session-0001", Notebook(sections), Start, []));

    public static Notebook Notebook(params Section[] sections) => new() { Name = "Example", Sections = [.. sections] };

    public static Section Section(string id, params Cell[] cells) =>
        new()
        {
            Id = id,
            Name = id,
            Cells = [.. cells],
        };

    /// <summary>A section that branches from <paramref name="parent"/>.</summary>
    public static Section Branch(string id, string parent, params Cell[] cells) => Section(id, cells) with { Parent = parent };

    public static CodeCell Code(string id, string? source = null) => new() { Id = id, Source = source ?? $"var {id} = 1;" };

    public static MarkdownCell Markdown(string id, string source = "Some *text*.") => new() { Id = id, Source = source };

    public static FileVersion FileVersion(string hash = "hash-1") => new(100, Start, hash);

    public static Output Stdout(string text) => Output.Text(OutputKind.Stdout, text);

    public static Output Result(string text) => Output.Text(OutputKind.Result, text);

    public static Output Failure(string message) =>
        Output.Text(OutputKind.Error, message) with
        {
            Error = new ErrorDetails("System.Exception", message, 1, ImmutableArray<TraceFrame>.Empty),
        };
}
