using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Livebook.Runtime.CSharp;

/// <summary>
/// Top-level <c>using var x = …;</c> is no C# script, because variables of cells are fields. It becomes <c>var x = …;</c> with the keyword
/// blanked, so that every offset stays, and the variable is disposed of at the end of the cell.
/// </summary>
internal static class UsingDeclarations
{
    /// <summary>The source with the keywords blanked, and the offsets at which such declarations now begin.</summary>
    public static (string Source, HashSet<int> Declarations) Blank(string source)
    {
        var declarations = new HashSet<int>();
        if (!source.Contains("using", StringComparison.Ordinal))
            return (source, declarations);
        // The script parser takes them for using directives; as the text of a program they are what they are.
        var unit = SyntaxFactory.ParseCompilationUnit(source, options: new CSharpParseOptions(LanguageVersion.Latest));
        char[]? text = null;
        foreach (var member in unit.Members)
            if (member is GlobalStatementSyntax { Statement: LocalDeclarationStatementSyntax { UsingKeyword.RawKind: not 0 } declaration })
            {
                text ??= source.ToCharArray();
                Blank(text, declaration.AwaitKeyword);
                Blank(text, declaration.UsingKeyword);
                declarations.Add(declaration.Declaration.SpanStart);
            }
        return (text is null ? source : new string(text), declarations);
    }

    /// <summary>The members of the blanked source that declare what is to be disposed of.</summary>
    public static HashSet<SyntaxNode> Find(CompilationUnitSyntax unit, HashSet<int> declarations) =>
        declarations.Count == 0 ? [] : [.. unit.Members.Where(member => declarations.Contains(member.SpanStart))];

    private static void Blank(char[] text, SyntaxToken token)
    {
        if (token.RawKind != 0)
            text.AsSpan(token.SpanStart, token.Span.Length).Fill(' ');
    }
}
