using System.Collections.Immutable;
using System.Text;
using Livebook.Kino;
using Livebook.Protocol;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Emit;
using Microsoft.CodeAnalysis.Text;
using Diagnostic = Livebook.Protocol.Diagnostic;

namespace Livebook.Runtime.CSharp;

/// <summary>A cell that compiled.</summary>
/// <param name="Code">Null when there is nothing to run.</param>
/// <param name="HasResult">The cell ends with an expression that has a value.</param>
internal sealed record CompiledCell(string Name, CSharpCompilation Compilation, MemoryStream? Code, MemoryStream? Symbols, bool HasResult);

/// <summary>Compiles cells: one script compilation per cell, on top of its parent's.</summary>
internal sealed class CellCompiler
{
    private static readonly CSharpParseOptions ParseOptions = new(LanguageVersion.Latest, DocumentationMode.None, SourceCodeKind.Script);
    private static readonly EmitOptions Portable = new(debugInformationFormat: DebugInformationFormat.PortablePdb);

    private static readonly CSharpCompilationOptions Options = new(
        Microsoft.CodeAnalysis.OutputKind.DynamicallyLinkedLibrary,
        optimizationLevel: OptimizationLevel.Release,
        allowUnsafe: true,
        // Cells are small: handing their parts to other threads costs more than it gains.
        concurrentBuild: false,
        nullableContextOptions: NullableContextOptions.Annotations,
        metadataImportOptions: MetadataImportOptions.Public,
        // Versions of assemblies that packages were built against; unified when they are loaded.
        specificDiagnosticOptions: [new("CS1701", ReportDiagnostic.Suppress), new("CS1702", ReportDiagnostic.Suppress)]
    );

    private static readonly string[] Usings =
    [
        "System",
        "System.Collections",
        "System.Collections.Generic",
        "System.Diagnostics",
        "System.Globalization",
        "System.IO",
        "System.Linq",
        "System.Net.Http",
        "System.Text",
        "System.Text.RegularExpressions",
        "System.Threading",
        "System.Threading.Tasks",
        "Livebook.Kino",
        "Livebook.Kino.Notebook",
    ];

    private static int lastName;

    public CellCompiler()
    {
        var references = Directory
            .EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "refs"), "*.dll")
            .Append(typeof(Notebook).Assembly.Location)
            .Append(typeof(Output).Assembly.Location)
            .Select(path => MetadataReference.CreateFromFile(path));
        var compilation = CSharpCompilation.CreateScriptCompilation(
            "Notebook",
            Parse("", "notebook"),
            references,
            Options.WithUsings(Usings).WithScriptClassName("Submission#0")
        );
        Root = new ChainLink(null, compilation, [null], null);
    }

    /// <summary>The link in front of every first cell: references and usings.</summary>
    public ChainLink Root { get; }

    /// <summary>The compiler's opinion on a source, without running it.</summary>
    public static ImmutableArray<Diagnostic> Diagnose(
        CSharpCompilation template,
        string source,
        ImmutableArray<MetadataReference> references,
        CancellationToken stop
    )
    {
        var (tree, _) = ParseCell(source, "diagnosed");
        return Convert(WithText(template, tree, references).GetDiagnostics(stop));
    }

    /// <summary>Compiles a cell. Without a result the diagnostics hold at least one error.</summary>
    /// <param name="template">Made by <see cref="Template"/>, and used for no other cell that runs.</param>
    /// <param name="path">Name of the source in stack traces.</param>
    public static (CompiledCell? Cell, ImmutableArray<Diagnostic> Diagnostics) Compile(
        CSharpCompilation template,
        string source,
        string path,
        ImmutableArray<MetadataReference> references,
        CancellationToken stop
    )
    {
        var (tree, declarations) = ParseCell(source, path);
        var original = WithText(template, tree, references);
        var unit = tree.GetCompilationUnitRoot(stop);
        if (tree.GetDiagnostics(stop).Any(diagnostic => diagnostic.Severity == Microsoft.CodeAnalysis.DiagnosticSeverity.Error))
            return (null, Convert(original.GetDiagnostics(stop)));

        SemanticModel? model = null;
        SemanticModel Model() => model ??= original.GetSemanticModel(tree);
        var lambdas = ExpressionLambdas.Find(unit, Model, stop);
        var rewritten = new InjectChecks(lambdas, UsingDeclarations.Find(unit, declarations)).Visit(unit);
        var diagnostics = ImmutableArray<Microsoft.CodeAnalysis.Diagnostic>.Empty;
        var compilation = original;
        if (rewritten != unit)
        {
            diagnostics = original.GetDiagnostics(stop);
            if (diagnostics.Any(diagnostic => diagnostic.Severity == Microsoft.CodeAnalysis.DiagnosticSeverity.Error))
                return (null, Convert(diagnostics));
            compilation = original.ReplaceSyntaxTree(tree, SyntaxFactory.SyntaxTree(rewritten, ParseOptions, path, Encoding.UTF8));
        }
        var (code, symbols) = (new MemoryStream(), new MemoryStream());
        var emitted = compilation.Emit(code, symbols, options: Portable, cancellationToken: stop);
        if (compilation == original)
            diagnostics = emitted.Diagnostics;
        if (emitted.Diagnostics.Any(diagnostic => diagnostic.Severity == Microsoft.CodeAnalysis.DiagnosticSeverity.Error))
            return (null, Convert(emitted.Diagnostics));
        var words = Convert(diagnostics);
        if (!emitted.Success)
            return (new CompiledCell(template.AssemblyName!, compilation, null, null, false), words);
        code.Position = symbols.Position = 0;
        return (new CompiledCell(template.AssemblyName!, compilation, code, symbols, HasResult(unit, Model)), words);
    }

    /// <summary>Puts a submission behind other ancestors without running it; null when its code does not fit there.</summary>
    public static ChainLink? Move(ChainLink parent, Submission submission)
    {
        var compilation = Create(parent, submission.Name, submission.Tree, submission.References);
        using var thrownAway = new MemoryStream();
        // Emitting also settles the names of what the compiler generates, which cells behind this one may refer to.
        var emitted = compilation.Emit(thrownAway, options: Portable.WithDebugInformationFormat(DebugInformationFormat.Embedded));
        if (emitted.Diagnostics.Any(diagnostic => diagnostic.Severity == Microsoft.CodeAnalysis.DiagnosticSeverity.Error))
            return null;
        return new ChainLink(parent, compilation, submission.Variables is null ? parent.States : [.. parent.States, submission.Variables], submission);
    }

    /// <summary>A compilation for a cell behind the link, still without text, under a name of its own.</summary>
    public static CSharpCompilation Template(ChainLink parent) => Create(parent, "C" + Interlocked.Increment(ref lastName), Parse("", ""), []);

    private static CSharpCompilation WithText(CSharpCompilation template, SyntaxTree text, ImmutableArray<MetadataReference> references)
    {
        var compilation = template.ReplaceSyntaxTree(template.SyntaxTrees[0], text);
        return references.IsDefaultOrEmpty ? compilation : compilation.AddReferences(references);
    }

    private static CSharpCompilation Create(ChainLink parent, string name, SyntaxTree tree, ImmutableArray<MetadataReference> references) =>
        CSharpCompilation.CreateScriptCompilation(
            name,
            tree,
            references.IsDefaultOrEmpty ? null : references,
            Options.WithScriptClassName("Submission#" + name[1..]),
            parent.Compilation
        );

    private static (SyntaxTree Tree, HashSet<int> Declarations) ParseCell(string source, string path)
    {
        var (blanked, declarations) = UsingDeclarations.Blank(source);
        return (Parse(blanked, path), declarations);
    }

    private static SyntaxTree Parse(string source, string path) => CSharpSyntaxTree.ParseText(SourceText.From(source, Encoding.UTF8), ParseOptions, path);

    private static bool HasResult(CompilationUnitSyntax unit, Func<SemanticModel> model) =>
        unit.Members.LastOrDefault() is GlobalStatementSyntax { Statement: ExpressionStatementSyntax { SemicolonToken.IsMissing: true } last }
        && model().GetTypeInfo(last.Expression).Type is { SpecialType: not SpecialType.System_Void };

    private static ImmutableArray<Diagnostic> Convert(ImmutableArray<Microsoft.CodeAnalysis.Diagnostic> diagnostics) =>
        [
            .. diagnostics
                .Where(diagnostic => !diagnostic.IsSuppressed && diagnostic.Severity >= Microsoft.CodeAnalysis.DiagnosticSeverity.Warning)
                .OrderBy(diagnostic => diagnostic.Location.SourceSpan.Start)
                .Select(Convert),
        ];

    private static Diagnostic Convert(Microsoft.CodeAnalysis.Diagnostic diagnostic)
    {
        var span = diagnostic.Location.SourceSpan;
        return new Diagnostic(
            diagnostic.Severity == Microsoft.CodeAnalysis.DiagnosticSeverity.Error ? Protocol.DiagnosticSeverity.Error : Protocol.DiagnosticSeverity.Warning,
            span.Start,
            span.End,
            diagnostic.Location.GetLineSpan().StartLinePosition.Line + 1,
            diagnostic.Id,
            diagnostic.GetMessage(System.Globalization.CultureInfo.InvariantCulture) + Hint(diagnostic.Id)
        );
    }

    private static string Hint(string code) =>
        code switch
        {
            "CS1109" => ". In a notebook, write extension methods directly into the cell, without a class around them",
            "CS7021" => ". Types of a cell need no namespace",
            _ => "",
        };
}
