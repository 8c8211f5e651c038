using System.Text.RegularExpressions;
using Livebook.Protocol;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Diagnostic = Livebook.Protocol.Diagnostic;
using DiagnosticSeverity = Livebook.Protocol.DiagnosticSeverity;

namespace Livebook.Runtime.CSharp;

/// <summary>Lines of .NET Interactive (<c>#!word</c>) and of C# scripts (<c>#load</c>) that nothing here carries out.</summary>
/// <param name="Source">The cell with those lines blanked that say what is so anyway; as long as the original.</param>
/// <param name="Unsupported">The first line that makes the cell one that cannot run here, and why; null when there is none.</param>
internal sealed partial record ForeignCommands(string Source, Diagnostic? Unsupported)
{
    private static readonly CSharpParseOptions Script = new(LanguageVersion.Latest, DocumentationMode.None, SourceCodeKind.Script);

    public static ForeignCommands Read(string source)
    {
        if (!source.Contains("#!", StringComparison.Ordinal) && !source.Contains("load", StringComparison.Ordinal))
            return new ForeignCommands(source, null);
        char[]? blanked = null;
        Diagnostic? unsupported = null;
        // As directives of the language, so that what only looks like one (in a string, a comment, disabled code) stays.
        for (
            var directive = CSharpSyntaxTree.ParseText(source, Script).GetCompilationUnitRoot().GetFirstDirective();
            directive is not null;
            directive = directive.GetNextDirective()
        )
        {
            var from = directive.SpanStart;
            var to = source.AsSpan(from).IndexOfAny('\r', '\n') is var end and >= 0 ? from + end : source.Length;
            if (!directive.IsActive || Command().Match(source[from..to]) is not { Success: true } match)
                continue;
            var word = match.Groups["word"].Value;
            if (word.ToLowerInvariant() is "csharp" or "c#" or "cs" or "time")
                Array.Fill(blanked ??= source.ToCharArray(), ' ', from, to - from);
            else
                unsupported ??= new Diagnostic(
                    DiagnosticSeverity.Warning,
                    from,
                    to,
                    1 + source.AsSpan(0, from).Count('\n'),
                    "LB0010",
                    $"{match.Groups["command"].Value} cannot be carried out here, so the cell was not run. {Advice(word)}"
                );
        }
        return new ForeignCommands(blanked is null ? source : new string(blanked), unsupported);
    }

    private static string Advice(string word) =>
        word.ToLowerInvariant() switch
        {
            "share" or "set" or "value" => "Variables are not shared between languages: give the value in C#.",
            "load" or "import" => "Other files are not loaded into a notebook: put their code into a cell.",
            "connect" => "There are no other kernels: use a package with a client for it in C#.",
            _ => "It is a command of .NET Interactive: remove the line, or put what belongs to another language into a cell of its own.",
        };

    [GeneratedRegex(@"^(?<command>#\s*!\s*(?<word>[A-Za-z][\w#-]*)|#\s*(?<word>load)\b)")]
    private static partial Regex Command();
}
