using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace Livebook.Runtime.Packages;

/// <summary>Where the assemblies of all packages of a process live. Never unloaded: a package that was used stays.</summary>
internal sealed class PackageLoadContext() : AssemblyLoadContext("packages", isCollectible: false)
{
    private readonly ConcurrentDictionary<string, string> _managed = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, string> _native = new(StringComparer.Ordinal);

    public void Add(PackageAssets assets)
    {
        foreach (var path in assets.Managed)
            _managed.TryAdd(Path.GetFileNameWithoutExtension(path), path);
        foreach (var path in assets.Satellites)
            _managed.TryAdd($"{Path.GetFileName(Path.GetDirectoryName(path))}/{Path.GetFileNameWithoutExtension(path)}", path);
        foreach (var path in assets.Native)
            _native.TryAdd(Path.GetFileName(path), path);
    }

    /// <summary>The package's assembly; null when no package has it, or the platform's is at least as new, or the product shares it with user code.</summary>
    public Assembly? Find(AssemblyName name)
    {
        if (name.Name is not { } simple || simple.StartsWith("Livebook.", StringComparison.Ordinal))
            return null;
        var key = name.CultureName is { Length: > 0 } culture ? $"{culture}/{simple}" : simple;
        if (!_managed.TryGetValue(key, out var path))
            return null;
        return Platform.Has(simple) && Platform.Covers(simple, AssemblyName.GetAssemblyName(path).Version) ? null : LoadFromAssemblyPath(path);
    }

    /// <summary>Handle of a native library of a package; zero when none has it.</summary>
    public nint FindNative(string name)
    {
        foreach (var file in NamesOf(name))
        {
            if (_native.TryGetValue(file, out var path))
                return NativeLibrary.Load(path);
        }
        return 0;
    }

    protected override Assembly? Load(AssemblyName assemblyName) => Find(assemblyName);

    protected override nint LoadUnmanagedDll(string unmanagedDllName) => FindNative(unmanagedDllName);

    private static IEnumerable<string> NamesOf(string name)
    {
        var (prefix, suffix) =
            OperatingSystem.IsWindows() ? ("", ".dll")
            : OperatingSystem.IsMacOS() ? ("lib", ".dylib")
            : ("lib", ".so");
        return [name, $"{prefix}{name}{suffix}", $"{name}{suffix}", $"{prefix}{name}"];
    }
}
