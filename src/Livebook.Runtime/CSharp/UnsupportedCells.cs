using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Livebook.Protocol;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Diagnostic = Livebook.Protocol.Diagnostic;
using DiagnosticSeverity = Livebook.Protocol.DiagnosticSeverity;

namespace Livebook.Runtime.CSharp;

/// <summary>Remembers the cells that could not run here and what they would have defined: a cell that needs it cannot run either, and is not wrong.</summary>
internal sealed partial class UnsupportedCells
{
    private const string Interactive = "Microsoft.DotNet.Interactive";

    /// <summary>A name that is not known; a namespace that is not there.</summary>
    private static readonly string[] UnknownName = ["CS0103", "CS0246", "CS0234"];

    /// <summary>What .NET Interactive gives to every cell, or with one of its namespaces, and nothing here has.</summary>
    private static readonly ImmutableHashSet<string> InteractiveNames =
    [
        "DotNet",
        "Javascript",
        "Formatter",
        "Kernel",
        "KernelInvocationContext",
        "PocketView",
        "PocketViewTags",
        "CSS",
        "Explore",
        "SendAsync",
    ];

    /// <summary>HTML elements that <c>using static …PocketViewTags</c> makes callable.</summary>
    private static readonly ImmutableHashSet<string> Tags =
    [
        "a",
        "article",
        "aside",
        "b",
        "blockquote",
        "body",
        "br",
        "button",
        "code",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "head",
        "header",
        "hr",
        "html",
        "i",
        "iframe",
        "img",
        "input",
        "label",
        "li",
        "link",
        "main",
        "meta",
        "nav",
        "ol",
        "optgroup",
        "option",
        "p",
        "pre",
        "q",
        "script",
        "section",
        "select",
        "small",
        "source",
        "span",
        "strike",
        "strong",
        "style",
        "sub",
        "summary",
        "sup",
        "svg",
        "table",
        "tbody",
        "td",
        "textarea",
        "tfoot",
        "th",
        "thead",
        "title",
        "tr",
        "u",
        "ul",
        "video",
    ];

    private static readonly CSharpParseOptions Script = new(LanguageVersion.Latest, DocumentationMode.None, SourceCodeKind.Script);

    private readonly ConcurrentDictionary<string, ImmutableHashSet<string>> cells = new();

    public void Add(string cell, string source) => cells[cell] = NamesOf(source);

    public void Remove(string cell) => cells.TryRemove(cell, out _);

    /// <summary>Why a cell that does not compile cannot run here, when all that is wrong with it is what .NET Interactive or such cells above it would have given it; else null.</summary>
    public string? Explain(IEnumerable<string> path, string source, ImmutableArray<Diagnostic> diagnostics)
    {
        var errors = diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).ToList();
        if (errors.Count == 0 || !errors.All(error => UnknownName.Contains(error.Code)))
            return null;
        var above = path.Select(cell => cells.GetValueOrDefault(cell)).OfType<ImmutableHashSet<string>>().ToList();
        var names = errors.Select(error => Name().Match(source[error.From..error.To]).Value).Distinct().ToList();
        if (!names.TrueForAll(name => InteractiveNames.Contains(name) || above.Exists(defined => defined.Contains(name))))
            return null;
        return names.TrueForAll(InteractiveNames.Contains)
            ? $"The cell uses what only .NET Interactive has ({string.Join(", ", names)}), so it was not run. HTML(\"…\") shows markup, and display(value) shows a value."
            : $"The cell uses {string.Join(", ", names)}, which a cell above would have defined that cannot run here, so it was not run.";
    }

    private static ImmutableHashSet<string> NamesOf(string source)
    {
        var names = ImmutableHashSet.CreateBuilder<string>();
        foreach (Match shared in Shared().Matches(source))
            names.UnionWith(shared.Groups["word"].Captures.Select(word => word.Value));
        var unit = CSharpSyntaxTree.ParseText(source, Script).GetCompilationUnitRoot();
        foreach (var member in unit.Members)
            names.UnionWith(
                member switch
                {
                    FieldDeclarationSyntax field => field.Declaration.Variables.Select(variable => variable.Identifier.Text),
                    MethodDeclarationSyntax method => [method.Identifier.Text],
                    BaseTypeDeclarationSyntax type => [type.Identifier.Text],
                    DelegateDeclarationSyntax type => [type.Identifier.Text],
                    _ => [],
                }
            );
        if (
            unit.Usings.Any(line =>
                line.StaticKeyword.RawKind != 0 && line.Name?.ToString() is { } name && name.StartsWith(Interactive, StringComparison.Ordinal)
            )
        )
            names.UnionWith(Tags);
        return names.ToImmutable();
    }

    /// <summary>The last part of a name, without type arguments.</summary>
    [GeneratedRegex(@"\w+(?=\s*(<.*)?$)", RegexOptions.Singleline)]
    private static partial Regex Name();

    [GeneratedRegex(@"^#!(share|set)\b([ \t]+(?<word>\S+))*", RegexOptions.Multiline)]
    private static partial Regex Shared();
}
