using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Livebook.Protocol;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Diagnostic = Livebook.Protocol.Diagnostic;
using DiagnosticSeverity = Livebook.Protocol.DiagnosticSeverity;

namespace Livebook.Runtime.Packages;

/// <summary>The directives of a cell, and its source with the directives blanked by as many spaces.</summary>
/// <param name="Source">As long as the original, so that offsets and lines stay the same.</param>
/// <param name="AssemblyPaths">As written after <c>#r</c>; relative ones belong to the notebook's directory.</param>
/// <param name="Errors">What is wrong with a directive; those of severity warning do not stop the cell.</param>
public sealed partial record PackageDirectives(
    string Source,
    ImmutableArray<PackageRequest> Packages,
    ImmutableArray<string> AssemblyPaths,
    ImmutableArray<Diagnostic> Errors
)
{
    private static readonly CSharpParseOptions Script = new(LanguageVersion.Preview, kind: SourceCodeKind.Script);

    /// <summary>Reads and blanks <c>#r</c>, <c>#i</c>, <c>#:package</c> and a first line that starts with <c>#!</c>; what only looks like one (in a string, a comment, disabled code) stays.</summary>
    public static PackageDirectives Parse(string source)
    {
        if (!source.Contains('#', StringComparison.Ordinal))
            return new PackageDirectives(source, [], [], []);
        var found = new Reading(source);
        for (
            var directive = CSharpSyntaxTree.ParseText(source, Script).GetCompilationUnitRoot().GetFirstDirective();
            directive is not null;
            directive = directive.GetNextDirective()
        )
        {
            if (directive.IsActive)
                found.Add(directive);
        }
        return found.Result();
    }

    private sealed class Reading(string source)
    {
        private readonly char[] _blanked = source.ToCharArray();
        private readonly ImmutableArray<PackageRequest>.Builder _packages = ImmutableArray.CreateBuilder<PackageRequest>();
        private readonly ImmutableArray<string>.Builder _feeds = ImmutableArray.CreateBuilder<string>();
        private readonly ImmutableArray<string>.Builder _paths = ImmutableArray.CreateBuilder<string>();
        private readonly ImmutableArray<Diagnostic>.Builder _errors = ImmutableArray.CreateBuilder<Diagnostic>();

        public PackageDirectives Result()
        {
            var feeds = _feeds.ToImmutable();
            return new PackageDirectives(
                new string(_blanked),
                [.. _packages.Select(package => package with { Feeds = feeds })],
                _paths.ToImmutable(),
                _errors.ToImmutable()
            );
        }

        public void Add(DirectiveTriviaSyntax directive)
        {
            var from = directive.SpanStart;
            var to = source.AsSpan(from).IndexOfAny('\r', '\n') is var end and >= 0 ? from + end : source.Length;
            var text = source[from..to];
            switch (directive.Kind())
            {
                case SyntaxKind.ShebangDirectiveTrivia when from == 0:
                    break;
                case SyntaxKind.ReferenceDirectiveTrivia:
                    Reference(text, from, to);
                    break;
                case SyntaxKind.BadDirectiveTrivia when FeedDirective().Match(text) is { Success: true } match:
                    Feed(match.Groups["value"].Value.Trim(), from, to);
                    break;
                case SyntaxKind.IgnoredDirectiveTrivia:
                    Ignored(text, from, to);
                    break;
                default:
                    return;
            }
            Array.Fill(_blanked, ' ', from, to - from);
        }

        private void Reference(string text, int from, int to)
        {
            if (ReferenceDirective().Match(text) is not { Success: true } match)
            {
                Report(from, to, "LB0001", "Write #r \"nuget: Package, 1.2.3\" or #r \"path/to/assembly.dll\".");
                return;
            }
            var value = match.Groups["value"].Value.Trim();
            if (value.StartsWith("nuget:", StringComparison.OrdinalIgnoreCase))
            {
                var parts = value["nuget:".Length..].Split(',', 2, StringSplitOptions.TrimEntries);
                Package(parts[0], parts.Length > 1 ? parts[1] : null, from, to);
            }
            else if (value.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) || value.EndsWith(".exe", StringComparison.OrdinalIgnoreCase))
                _paths.Add(value);
            else if (Platform.Has(value))
                Report(from, to, "LB0002", $"{value} belongs to .NET and is always there; the line can go.", DiagnosticSeverity.Warning);
            else
                Report(from, to, "LB0001", $"#r \"{value}\" is neither a package nor an assembly file. Write #r \"nuget: {value}\" or the path of a .dll.");
        }

        private void Feed(string value, int from, int to)
        {
            if (value.StartsWith("nuget:", StringComparison.OrdinalIgnoreCase) && value["nuget:".Length..].Trim() is { Length: > 0 } feed)
                _feeds.Add(feed);
            else
                Report(from, to, "LB0003", "Write #i \"nuget: https://…/v3/index.json\" or #i \"nuget: /a/folder\".");
        }

        private void Ignored(string text, int from, int to)
        {
            if (PackageDirective().Match(text) is not { Success: true } match)
            {
                var word = text.Length > 2 ? text[2..].Trim().Split(' ')[0] : "";
                Report(from, to, "LB0004", $"#:{word} has no effect in a notebook; of these directives only #:package Name@1.2.3 has.");
                return;
            }
            var parts = match.Groups["value"].Value.Trim().Split('@', 2, StringSplitOptions.TrimEntries);
            Package(parts[0], parts.Length > 1 ? parts[1] : null, from, to);
        }

        private void Package(string id, string? version, int from, int to)
        {
            if (!PackageId().IsMatch(id))
                Report(from, to, "LB0005", $"\"{id}\" is not the name of a package: names have letters, digits, dots, hyphens and underscores.");
            else if (version is { Length: > 0 } && !NuGet.Versioning.VersionRange.TryParse(version, allowFloating: true, out _))
                Report(from, to, "LB0006", $"\"{version}\" is not a version of a package. Write 1.2.3, 1.*, [1.0,2.0), *-* or nothing for the latest.");
            else
                _packages.Add(new PackageRequest(id, version is { Length: > 0 } ? version : null, from, to));
        }

        private void Report(int from, int to, string code, string message, DiagnosticSeverity severity = DiagnosticSeverity.Error) =>
            _errors.Add(new Diagnostic(severity, from, to, 1 + source.AsSpan(0, from).Count('\n'), code, message));
    }

    [GeneratedRegex("""^#\s*r\s*"(?<value>[^"]*)"\s*(//.*)?$""")]
    private static partial Regex ReferenceDirective();

    [GeneratedRegex("""^#\s*i\s*"(?<value>[^"]*)"\s*(//.*)?$""")]
    private static partial Regex FeedDirective();

    [GeneratedRegex("""^#:\s*package\s+(?<value>.*)$""")]
    private static partial Regex PackageDirective();

    [GeneratedRegex("""^\w+([.-]\w+)*$""")]
    private static partial Regex PackageId();
}
