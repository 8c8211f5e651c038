using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Livebook.Runtime.CSharp;

/// <summary>What one successful evaluation of a cell left behind: its compiled code and the object that holds its variables.</summary>
/// <param name="Cell">Id of the cell.</param>
/// <param name="Name">Name of the assembly; unique in the process.</param>
/// <param name="Tree">The compiled text, with checks woven in.</param>
/// <param name="References">What this cell added to the references of its parents.</param>
/// <param name="Assembly">Null when there was nothing to run, e.g. only usings.</param>
/// <param name="Variables">The object with the cell's variables, null as <paramref name="Assembly"/>.</param>
internal sealed record Submission(
    string Cell,
    string Name,
    SyntaxTree Tree,
    ImmutableArray<MetadataReference> References,
    Assembly? Assembly,
    object? Variables
);

/// <summary>
/// A submission at its place behind its ancestors. Usually the one it was compiled at; when an ancestor ran again since,
/// a second one is made for the same code behind the new ancestor.
/// </summary>
/// <param name="States">The objects of the path: [0] is the compiler's host object (null), then one per submission that has code.</param>
internal sealed class ChainLink(ChainLink? parent, CSharpCompilation compilation, object?[] states, Submission? submission)
{
    public ChainLink? Parent => parent;
    public CSharpCompilation Compilation => compilation;
    public object?[] States => states;
    public Submission? Submission => submission;

    /// <summary>Submissions that were put behind this link without running again; null where that is not possible.</summary>
    public ConditionalWeakTable<Submission, ChainLink?> Moved { get; } = [];
}
