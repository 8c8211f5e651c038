using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Livebook.Runtime.Packages;

/// <summary>The packages of a session: one of these for each runtime process. Safe to call from several threads.</summary>
[SuppressMessage("Design", "CA1001", Justification = "It lives as long as its process.")]
public sealed class SessionPackages
{
    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly PackageLoadContext _context = new();
    private ImmutableDictionary<string, ChosenPackage> _packages = ImmutableDictionary.Create<string, ChosenPackage>(StringComparer.OrdinalIgnoreCase);
    private readonly Func<string> _directory;
    private PackageFeeds? _feeds;

    public SessionPackages()
        : this(Directory.GetCurrentDirectory) { }

    /// <param name="directory">Where the search for NuGet.config begins.</param>
    internal SessionPackages(Func<string> directory) => _directory = directory;

    /// <summary>Restores packages and all that they need, and makes them loadable. NuGet.config files are searched from the current directory upwards.</summary>
    /// <param name="progress">Called, maybe from several threads, with what is being done.</param>
    /// <exception cref="PackageException">Nothing was added; the message says what to do.</exception>
    public async Task<PackageAddition> AddAsync(ImmutableArray<PackageRequest> requests, Action<string> progress, CancellationToken stop)
    {
        if (requests is [])
            return new PackageAddition([], []);
        await _one.WaitAsync(stop).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => AddOneAsync(requests, progress, stop), stop).ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>An assembly of a package; null when no package has it or the platform's own is at least as new (then ask the default context).</summary>
    public Assembly? Load(AssemblyName name) => _context.Find(name);

    /// <summary>Handle of a native library of a package; zero when none has it.</summary>
    public nint LoadNative(string name) => _context.FindNative(name);

    private async Task<PackageAddition> AddOneAsync(ImmutableArray<PackageRequest> requests, Action<string> progress, CancellationToken stop)
    {
        var graph = new PackageGraph(Feeds(), _packages, progress);
        var resolved = await graph.ResolveAsync(requests, stop);
        var warnings = graph.Warnings.ToList();
        var compile = ImmutableSortedSet.CreateBuilder<string>(StringComparer.Ordinal);
        var assets = new List<PackageAssets>();
        foreach (var package in resolved)
        {
            var files = PackageAssets.Read(package, out var warning);
            if (warning is not null && !_packages.ContainsKey(package.Id))
                warnings.Add(warning);
            assets.Add(files);
            compile.UnionWith(files.Compile.Where(IsNeeded));
        }
        assets.ForEach(_context.Add);
        _packages = _packages.SetItems(resolved.Select(package => new KeyValuePair<string, ChosenPackage>(package.Id, package)));
        return new PackageAddition([.. compile], [.. warnings]);
    }

    private PackageFeeds Feeds()
    {
        var directory = _directory();
        if (_feeds is { } present && present.Directory == directory)
        {
            present.Refresh();
            return present;
        }
        _feeds?.Dispose();
        return _feeds = new PackageFeeds(directory);
    }

    private static bool IsNeeded(string path) =>
        !Platform.Has(Path.GetFileNameWithoutExtension(path))
        || !Platform.Covers(Path.GetFileNameWithoutExtension(path), AssemblyName.GetAssemblyName(path).Version);
}
