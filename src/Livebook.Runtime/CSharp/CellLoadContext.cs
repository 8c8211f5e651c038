using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.Loader;
using Livebook.Runtime.Packages;

namespace Livebook.Runtime.CSharp;

/// <summary>Finds what the code of cells refers to: other cells, packages, files.</summary>
/// <remarks>Holds cells weakly: a load context that refers to its own assembly is never unloaded.</remarks>
internal sealed class CellAssemblies(SessionPackages packages)
{
    private readonly ConcurrentDictionary<string, WeakReference<Assembly>> cells = new();
    private readonly ConcurrentDictionary<string, string> files = new();

    public void AddFile(string path) => files[Path.GetFileNameWithoutExtension(path)] = path;

    /// <summary>Loads the code of a cell into a load context of its own, which goes when nothing refers to its code any more.</summary>
    public Assembly Load(string name, Stream code, Stream symbols)
    {
        var assembly = new CellLoadContext(name, this).LoadFromStream(code, symbols);
        cells[name] = new WeakReference<Assembly>(assembly);
        foreach (var (dead, reference) in cells)
            if (!reference.TryGetTarget(out _))
                cells.TryRemove(dead, out _);
        return assembly;
    }

    private Assembly? Find(AssemblyName name)
    {
        if (name.Name is null)
            return null;
        if (cells.TryGetValue(name.Name, out var cell) && cell.TryGetTarget(out var assembly))
            return assembly;
        return packages.Load(name) ?? (files.TryGetValue(name.Name, out var path) ? AssemblyLoadContext.Default.LoadFromAssemblyPath(path) : null);
    }

    private sealed class CellLoadContext(string name, CellAssemblies assemblies) : AssemblyLoadContext(name, isCollectible: true)
    {
        protected override Assembly? Load(AssemblyName assemblyName) => assemblies.Find(assemblyName);

        protected override nint LoadUnmanagedDll(string unmanagedDllName) => assemblies.packages.LoadNative(unmanagedDllName);
    }

    private readonly SessionPackages packages = packages;
}
