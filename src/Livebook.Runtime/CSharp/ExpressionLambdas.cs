using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Livebook.Runtime.CSharp;

/// <summary>Finds the lambdas <c>x =&gt; e</c> that mean the same as <c>x =&gt; { return e; }</c>: those that become delegates, not expression trees.</summary>
internal static class ExpressionLambdas
{
    /// <summary>Each such lambda, and whether its delegate returns a value.</summary>
    public static Dictionary<SyntaxNode, bool> Find(SyntaxNode root, Func<SemanticModel> model, CancellationToken stop)
    {
        var found = new Dictionary<SyntaxNode, bool>();
        SemanticModel? known = null;
        foreach (var lambda in root.DescendantNodes().OfType<LambdaExpressionSyntax>())
        {
            stop.ThrowIfCancellationRequested();
            if (lambda.ExpressionBody is null or ThrowExpressionSyntax or RefExpressionSyntax || lambda.AsyncKeyword != default)
                continue;
            known ??= model();
            if (known.GetTypeInfo(lambda, stop).ConvertedType is not INamedTypeSymbol { DelegateInvokeMethod: { } invoke })
                continue;
            if (invoke.ReturnsByRef || invoke.ReturnsByRefReadonly)
                continue;
            if (!invoke.ReturnsVoid || InjectChecks.IsStatement(lambda.ExpressionBody))
                found[lambda] = !invoke.ReturnsVoid;
        }
        return found;
    }
}
