using System.Collections.Frozen;
using System.Reflection;
using NuGet.Versioning;

namespace Livebook.Runtime.Packages;

/// <summary>The assemblies that .NET itself brings. What the runtime's own program needs does not count: a session may have another version of it.</summary>
internal static class Platform
{
    private static readonly FrozenDictionary<string, string> Files = Find();
    private static readonly NuGetVersion Release = new(Environment.Version);

    public static bool Has(string assembly) => Files.ContainsKey(assembly);

    /// <summary>Whether the platform's assembly is at least as new; then it is used and not the package's.</summary>
    public static bool Covers(string assembly, Version? version) =>
        Files.TryGetValue(assembly, out var path) && AssemblyName.GetAssemblyName(path).Version is { } own && own >= (version ?? new Version());

    /// <summary>Whether a package adds nothing to this version of .NET, so that it need not be fetched.</summary>
    public static bool Covers(string package, NuGetVersion? minimum) =>
        package.Equals("NETStandard.Library", StringComparison.OrdinalIgnoreCase)
        || package.StartsWith("Microsoft.NETCore.", StringComparison.OrdinalIgnoreCase)
        || (Files.ContainsKey(package) && (minimum is null || minimum <= Release));

    private static FrozenDictionary<string, string> Find()
    {
        var own = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        return Directory
            .EnumerateFiles(own, "*.dll")
            .Select(path => (Name: Path.GetFileNameWithoutExtension(path), Path: path))
            .Where(file =>
                file.Name.StartsWith("System.", StringComparison.Ordinal)
                || file.Name.StartsWith("Microsoft.Win32.", StringComparison.Ordinal)
                || file.Name.StartsWith("Microsoft.VisualBasic", StringComparison.Ordinal)
                || file.Name is "System" or "Microsoft.CSharp" or "mscorlib" or "netstandard" or "WindowsBase"
            )
            .Where(file => IsManaged(file.Path))
            .ToFrozenDictionary(file => file.Name, file => file.Path, StringComparer.OrdinalIgnoreCase);
    }

    private static bool IsManaged(string path) => !Path.GetFileName(path).EndsWith(".Native.dll", StringComparison.Ordinal);
}
