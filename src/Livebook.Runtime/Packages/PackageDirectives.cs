using System.Collections.Immutable;
using Livebook.Protocol;

namespace Livebook.Runtime.Packages;

/// <summary>A package that a cell asks for. The offsets are those of the directive in the cell's source.</summary>
public sealed record PackageRequest(string Id, string? Version, int From, int To);

/// <summary>The directives of a cell, and its source with the directives blanked by as many spaces.</summary>
public sealed record PackageDirectives(
    string Source,
    ImmutableArray<PackageRequest> Packages,
    ImmutableArray<string> AssemblyPaths,
    ImmutableArray<Diagnostic> Errors
)
{
    /// <summary>Reads and blanks <c>#r</c> and <c>#:package</c> directives.</summary>
    public static PackageDirectives Parse(string source) => new(source, [], [], []);
}
