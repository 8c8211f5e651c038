using System.Collections.Immutable;

namespace Livebook.Runtime.Packages;

/// <summary>A package that a cell asks for. The offsets are those of the directive in the cell's source.</summary>
/// <param name="Version">As written: a minimum (<c>1.2</c>), a range or a floating version; null for the latest.</param>
public sealed record PackageRequest(string Id, string? Version, int From, int To)
{
    /// <summary>Further sources that the same cell names with <c>#i</c>: addresses or folders.</summary>
    public ImmutableArray<string> Feeds { get; init; } = [];

    /// <summary>1-based line of the directive.</summary>
    public int LineIn(string source) => 1 + source.AsSpan(0, From).Count('\n');
}

/// <summary>What a restore added.</summary>
/// <param name="CompileReferences">Paths of the assemblies to compile against: those of the requested packages and of all that they need, also when they were there before.</param>
/// <param name="Warnings">What the author should know, in words for a person.</param>
public sealed record PackageAddition(ImmutableArray<string> CompileReferences, ImmutableArray<string> Warnings);

/// <summary>Packages could not be added; the message is for a person and names no credentials.</summary>
public sealed class PackageException(string message, Exception? cause = null) : Exception(message, cause);
