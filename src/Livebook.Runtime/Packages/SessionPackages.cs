using System.Collections.Immutable;
using System.Reflection;

#pragma warning disable CA1822
namespace Livebook.Runtime.Packages;

/// <summary>What a restore added: paths of assemblies to compile against, and what the author should know.</summary>
public sealed record PackageAddition(ImmutableArray<string> CompileReferences, ImmutableArray<string> Warnings);

/// <summary>The packages of a session.</summary>
public sealed class SessionPackages
{
    public Task<PackageAddition> AddAsync(ImmutableArray<PackageRequest> packages, Action<string> progress, CancellationToken stop) =>
        throw new NotImplementedException();

    public Assembly? Load(AssemblyName name) => null;

    public nint LoadNative(string name) => 0;
}
