using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Livebook.Protocol;

/// <summary>What kind of thing a cell put out. The names are those of the REST API (lower case).</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OutputKind>))]
public enum OutputKind
{
    /// <summary>Text written to standard output; may carry ANSI escape codes. Data: <c>text/plain</c>.</summary>
    [JsonStringEnumMemberName("stdout")]
    Stdout,

    /// <summary>Text written to standard error; may carry ANSI escape codes. Data: <c>text/plain</c>.</summary>
    [JsonStringEnumMemberName("stderr")]
    Stderr,

    /// <summary>The value of the cell's last expression, as a MIME bundle.</summary>
    [JsonStringEnumMemberName("result")]
    Result,

    /// <summary>Something the code displayed on its way, as a MIME bundle.</summary>
    [JsonStringEnumMemberName("display")]
    Display,

    /// <summary>An exception or a compile error; <see cref="Output.Error"/> is set.</summary>
    [JsonStringEnumMemberName("error")]
    Error,

    /// <summary>Something the system wants the author to know, e.g. that a package version was replaced.</summary>
    [JsonStringEnumMemberName("warning")]
    Warning,
}

/// <summary>One output of a cell.</summary>
/// <param name="Kind">Decides how <paramref name="Data"/> is shown and merged.</param>
/// <param name="Data">
/// MIME type → value. Text types hold the text itself, <c>image/svg+xml</c> its markup, other images and binary types base64.
/// <c>text/plain</c> is always there; except for stdout and stderr it carries no escape codes. A coloured form is <c>text/x-ansi</c>.
/// </param>
/// <param name="Error">Only for <see cref="OutputKind.Error"/>.</param>
public sealed record Output(OutputKind Kind, ImmutableSortedDictionary<string, string> Data, ErrorDetails? Error = null)
{
    /// <summary>An output that holds only plain text.</summary>
    public static Output Text(OutputKind kind, string text) => new(kind, ImmutableSortedDictionary<string, string>.Empty.Add("text/plain", text));
}

/// <summary>What went wrong in a cell.</summary>
/// <param name="Type">Full name of the exception's type, or <c>CompilationError</c>, <c>RuntimeLost</c>…</param>
/// <param name="Message">The exception's message.</param>
/// <param name="Line">1-based line in the failing cell's source, if known.</param>
/// <param name="Trace">Stack frames, innermost first; frames inside notebook cells name the cell and its line.</param>
public sealed record ErrorDetails(string Type, string Message, int? Line, ImmutableArray<TraceFrame> Trace);

/// <summary>One frame of a stack trace.</summary>
/// <param name="Method">The method as a person would write it.</param>
/// <param name="Cell">Id of the notebook cell, or null for library code.</param>
/// <param name="Line">1-based line in that cell or file.</param>
public sealed record TraceFrame(string Method, string? Cell, int? Line);

/// <summary>How grave a diagnostic is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DiagnosticSeverity>))]
public enum DiagnosticSeverity
{
    [JsonStringEnumMemberName("hint")]
    Hint,

    [JsonStringEnumMemberName("info")]
    Info,

    [JsonStringEnumMemberName("warning")]
    Warning,

    [JsonStringEnumMemberName("error")]
    Error,
}

/// <summary>A compiler's word about a place in a cell's source.</summary>
/// <param name="From">UTF-16 offset of the first character, 0-based, in the source as it was sent.</param>
/// <param name="To">UTF-16 offset behind the last character.</param>
/// <param name="Line">1-based line of <paramref name="From"/>.</param>
/// <param name="Code">The compiler's code, e.g. <c>CS0103</c>.</param>
public sealed record Diagnostic(DiagnosticSeverity Severity, int From, int To, int Line, string Code, string Message);
