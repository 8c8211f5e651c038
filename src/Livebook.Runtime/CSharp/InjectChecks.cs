using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using static Microsoft.CodeAnalysis.CSharp.SyntaxFactory;

namespace Livebook.Runtime.CSharp;

/// <summary>
/// Weaves calls into loops, bodies and lambdas, so that running code can be stopped and endless recursion becomes an exception.
/// Adds no line breaks: line numbers stay, columns do not.
/// </summary>
/// <param name="lambdas">Expression lambdas that may become block lambdas, and whether they return a value (see <see cref="ExpressionLambdas"/>).</param>
/// <param name="disposed">Top-level declarations whose variables are disposed of at the end of the cell.</param>
internal sealed class InjectChecks(IReadOnlyDictionary<SyntaxNode, bool> lambdas, IReadOnlySet<SyntaxNode> disposed) : CSharpSyntaxRewriter
{
    private static readonly StatementSyntax Check = ParseStatement("global::Livebook.Kino.Hosting.Checks.Check();");
    private static readonly StatementSyntax Enter = ParseStatement("global::Livebook.Kino.Hosting.Checks.Enter();");
    private static readonly SyntaxToken Return = Token(TriviaList(), SyntaxKind.ReturnKeyword, TriviaList(Space));

    public override SyntaxNode? VisitCompilationUnit(CompilationUnitSyntax node)
    {
        var unit = (CompilationUnitSyntax)base.VisitCompilationUnit(node)!;
        if (disposed.Count == 0)
            return unit;
        var members = new List<MemberDeclarationSyntax>();
        foreach (var (before, after) in node.Members.Zip(unit.Members))
        {
            members.Add(after);
            if (disposed.Contains(before))
                members.AddRange(Variables(before).Select(DisposeAtEnd));
        }
        return unit.WithMembers(List(members));
    }

    public override SyntaxNode? VisitWhileStatement(WhileStatementSyntax node)
    {
        var loop = (WhileStatementSyntax)base.VisitWhileStatement(node)!;
        return loop.WithStatement(First(Check, loop.Statement));
    }

    public override SyntaxNode? VisitDoStatement(DoStatementSyntax node)
    {
        var loop = (DoStatementSyntax)base.VisitDoStatement(node)!;
        return loop.WithStatement(First(Check, loop.Statement));
    }

    public override SyntaxNode? VisitForStatement(ForStatementSyntax node)
    {
        var loop = (ForStatementSyntax)base.VisitForStatement(node)!;
        return loop.WithStatement(First(Check, loop.Statement));
    }

    public override SyntaxNode? VisitForEachStatement(ForEachStatementSyntax node)
    {
        var loop = (ForEachStatementSyntax)base.VisitForEachStatement(node)!;
        return loop.WithStatement(First(Check, loop.Statement));
    }

    public override SyntaxNode? VisitForEachVariableStatement(ForEachVariableStatementSyntax node)
    {
        var loop = (ForEachVariableStatementSyntax)base.VisitForEachVariableStatement(node)!;
        return loop.WithStatement(First(Check, loop.Statement));
    }

    public override SyntaxNode? VisitLabeledStatement(LabeledStatementSyntax node)
    {
        var label = (LabeledStatementSyntax)base.VisitLabeledStatement(node)!;
        return label.Statement is LocalDeclarationStatementSyntax or LocalFunctionStatementSyntax or LabeledStatementSyntax
            ? label
            : label.WithStatement(First(Check, label.Statement));
    }

    public override SyntaxNode? VisitMethodDeclaration(MethodDeclarationSyntax node)
    {
        var method = (MethodDeclarationSyntax)base.VisitMethodDeclaration(node)!;
        if (method.Body is { } body)
            return method.WithBody(Entered(body));
        if (method.ExpressionBody is { } arrow && BlockOf(arrow.Expression, method.ReturnType, method.Modifiers) is { } block)
            return method.WithExpressionBody(null).WithBody(Placed(block, arrow)).WithSemicolonToken(default).WithTrailingTrivia(method.GetTrailingTrivia());
        return method;
    }

    public override SyntaxNode? VisitLocalFunctionStatement(LocalFunctionStatementSyntax node)
    {
        var method = (LocalFunctionStatementSyntax)base.VisitLocalFunctionStatement(node)!;
        if (method.Body is { } body)
            return method.WithBody(Entered(body));
        if (method.ExpressionBody is { } arrow && BlockOf(arrow.Expression, method.ReturnType, method.Modifiers) is { } block)
            return method.WithExpressionBody(null).WithBody(Placed(block, arrow)).WithSemicolonToken(default).WithTrailingTrivia(method.GetTrailingTrivia());
        return method;
    }

    public override SyntaxNode? VisitConstructorDeclaration(ConstructorDeclarationSyntax node)
    {
        var constructor = (ConstructorDeclarationSyntax)base.VisitConstructorDeclaration(node)!;
        return constructor.Body is { } body ? constructor.WithBody(Entered(body)) : constructor;
    }

    public override SyntaxNode? VisitOperatorDeclaration(OperatorDeclarationSyntax node)
    {
        var method = (OperatorDeclarationSyntax)base.VisitOperatorDeclaration(node)!;
        return method.Body is { } body ? method.WithBody(Entered(body)) : method;
    }

    public override SyntaxNode? VisitAccessorDeclaration(AccessorDeclarationSyntax node)
    {
        var accessor = (AccessorDeclarationSyntax)base.VisitAccessorDeclaration(node)!;
        return accessor.Body is { } body ? accessor.WithBody(Entered(body)) : accessor;
    }

    public override SyntaxNode? VisitPropertyDeclaration(PropertyDeclarationSyntax node)
    {
        var property = (PropertyDeclarationSyntax)base.VisitPropertyDeclaration(node)!;
        if (property.ExpressionBody is not { } arrow || BlockOf(arrow.Expression, property.Type, property.Modifiers) is not { } block)
            return property;
        var getter = AccessorDeclaration(SyntaxKind.GetAccessorDeclaration, Placed(block, arrow));
        return property
            .WithExpressionBody(null)
            .WithSemicolonToken(default)
            .WithAccessorList(AccessorList(SingletonList(getter)))
            .WithTrailingTrivia(property.GetTrailingTrivia());
    }

    public override SyntaxNode? VisitSimpleLambdaExpression(SimpleLambdaExpressionSyntax node)
    {
        var lambda = (SimpleLambdaExpressionSyntax)base.VisitSimpleLambdaExpression(node)!;
        if (lambda.Block is { } body)
            return lambda.WithBlock(Entered(body));
        return lambda.ExpressionBody is { } expression && lambdas.TryGetValue(node, out var returns)
            ? lambda.WithExpressionBody(null).WithBlock(Checked(expression, returns))
            : lambda;
    }

    public override SyntaxNode? VisitParenthesizedLambdaExpression(ParenthesizedLambdaExpressionSyntax node)
    {
        var lambda = (ParenthesizedLambdaExpressionSyntax)base.VisitParenthesizedLambdaExpression(node)!;
        if (lambda.Block is { } body)
            return lambda.WithBlock(Entered(body));
        return lambda.ExpressionBody is { } expression && lambdas.TryGetValue(node, out var returns)
            ? lambda.WithExpressionBody(null).WithBlock(Checked(expression, returns))
            : lambda;
    }

    public override SyntaxNode? VisitAnonymousMethodExpression(AnonymousMethodExpressionSyntax node)
    {
        var method = (AnonymousMethodExpressionSyntax)base.VisitAnonymousMethodExpression(node)!;
        return method.WithBlock(Entered(method.Block));
    }

    private static StatementSyntax First(StatementSyntax check, StatementSyntax body) =>
        body is BlockSyntax block ? block.WithStatements(block.Statements.Insert(0, check))
        : body.IsMissing ? body
        : Block(check, body.WithoutLeadingTrivia()).WithLeadingTrivia(body.GetLeadingTrivia());

    private static BlockSyntax Entered(BlockSyntax body) => body.WithStatements(body.Statements.Insert(0, Enter));

    private static BlockSyntax Checked(ExpressionSyntax expression, bool returns) => Block(Check, Last(expression, returns));

    private static StatementSyntax Last(ExpressionSyntax expression, bool returns) =>
        returns ? ReturnStatement(Return, expression, Token(SyntaxKind.SemicolonToken)) : ExpressionStatement(expression);

    private static BlockSyntax? BlockOf(ExpressionSyntax expression, TypeSyntax type, SyntaxTokenList modifiers)
    {
        if (expression is ThrowExpressionSyntax or RefExpressionSyntax || type is RefTypeSyntax || modifiers.Any(SyntaxKind.AsyncKeyword))
            return null;
        var returns = type is not PredefinedTypeSyntax { Keyword.RawKind: (int)SyntaxKind.VoidKeyword };
        return returns || IsStatement(expression) ? Block(Enter, Last(expression, returns)) : null;
    }

    /// <summary>Keeps the line breaks around an arrow.</summary>
    private static BlockSyntax Placed(BlockSyntax block, ArrowExpressionClauseSyntax arrow) =>
        block.WithLeadingTrivia(arrow.GetLeadingTrivia().AddRange(arrow.ArrowToken.TrailingTrivia));

    /// <summary>Whether an expression may stand as a statement.</summary>
    public static bool IsStatement(ExpressionSyntax expression) =>
        expression
            is InvocationExpressionSyntax
                or AssignmentExpressionSyntax
                or PostfixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.PostIncrementExpression or (int)SyntaxKind.PostDecrementExpression }
                or PrefixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.PreIncrementExpression or (int)SyntaxKind.PreDecrementExpression }
                or BaseObjectCreationExpressionSyntax
                or AwaitExpressionSyntax;

    private static IEnumerable<string> Variables(SyntaxNode declaration) =>
        declaration.DescendantNodes().OfType<VariableDeclarationSyntax>().First().Variables.Select(variable => variable.Identifier.ValueText);

    private static GlobalStatementSyntax DisposeAtEnd(string variable) =>
        GlobalStatement(ParseStatement($"global::Livebook.Kino.Hosting.Checks.DisposeAtEnd(@{variable});"));
}
