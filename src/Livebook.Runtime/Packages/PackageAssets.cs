using System.Collections.Immutable;
using System.Runtime.InteropServices;
using NuGet.Client;
using NuGet.ContentModel;
using NuGet.Frameworks;
using NuGet.Packaging;
using NuGet.RuntimeModel;

namespace Livebook.Runtime.Packages;

/// <summary>The files of a package that matter here: for this version of .NET and this kind of machine.</summary>
internal sealed record PackageAssets(
    ImmutableArray<string> Compile,
    ImmutableArray<string> Managed,
    ImmutableArray<string> Native,
    ImmutableArray<string> Satellites
)
{
    /// <summary>The framework that cells run on.</summary>
    public static readonly NuGetFramework Framework = new(
        FrameworkConstants.FrameworkIdentifiers.NetCoreApp,
        new Version(Environment.Version.Major, Environment.Version.Minor, 0, 0)
    );

    /// <summary>What is taken when a package has nothing for <see cref="Framework"/>; it often works.</summary>
    public static readonly NuGetFramework OldFramework = NuGetFramework.Parse("net481");

    private static readonly Lazy<RuntimeGraph> Machines = new(() =>
    {
        using var graph = typeof(PackageAssets).Assembly.GetManifestResourceStream("PortableRuntimeIdentifierGraph.json")!;
        return JsonRuntimeFormat.ReadRuntimeGraph(graph);
    });

    private static readonly Lazy<ManagedCodeConventions> Conventions = new(() => new ManagedCodeConventions(Machines.Value));

    private static readonly Lazy<string> Machine = new(() =>
    {
        var own = RuntimeInformation.RuntimeIdentifier;
        // A build of .NET by a distribution names itself after it.
        return Machines.Value.Runtimes.ContainsKey(own) ? own : $"linux-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
    });

    /// <summary>Chooses the files of an installed package.</summary>
    public static PackageAssets Read(ChosenPackage package, out string? warning)
    {
        using var reader = new PackageFolderReader(package.Path);
        var files = reader.GetFiles().ToArray();
        var items = new ContentItemCollection();
        items.Load(files);
        var assets = Choose(package.Path, items, Framework);
        warning = null;
        if (assets.IsEmpty && Choose(package.Path, items, OldFramework) is { IsEmpty: false } old)
        {
            warning = $"{package.Id} {package.Version} was made for .NET Framework; it may not work here.";
            return old;
        }
        if (assets.IsEmpty && package.Dependencies is [])
            warning = Useless(package, files);
        else if (
            reader.NuspecReader.GetFrameworkRefGroups().Any(group => group.FrameworkReferences.Any(reference => reference.Name != "Microsoft.NETCore.App"))
        )
            warning = $"{package.Id} {package.Version} needs a framework that cells do not have (ASP.NET Core or a desktop); parts of it will not load.";
        return assets;
    }

    private bool IsEmpty => Compile is [] && Managed is [] && Native is [];

    private static string Useless(ChosenPackage package, string[] files)
    {
        var msbuild = files.Any(file =>
            file.EndsWith(".targets", StringComparison.OrdinalIgnoreCase) || file.EndsWith(".props", StringComparison.OrdinalIgnoreCase)
        );
        return msbuild
            ? $"{package.Id} {package.Version} only changes how projects are built, which has no effect in a notebook."
            : $"{package.Id} {package.Version} has nothing for .NET {Environment.Version.Major} on this machine.";
    }

    private static PackageAssets Choose(string root, ContentItemCollection items, NuGetFramework framework)
    {
        var conventions = Conventions.Value;
        var compile = conventions.Criteria.ForFramework(framework);
        var run = conventions.Criteria.ForFrameworkAndRuntime(framework, Machine.Value);
        var patterns = conventions.Patterns;
        return new PackageAssets(
            Files(items.FindBestItemGroup(compile, patterns.CompileRefAssemblies, patterns.CompileLibAssemblies)),
            Files(items.FindBestItemGroup(run, patterns.RuntimeAssemblies)),
            Files(items.FindBestItemGroup(run, patterns.NativeLibraries)),
            Files(items.FindBestItemGroup(run, patterns.ResourceAssemblies))
        );

        ImmutableArray<string> Files(ContentItemGroup? group) =>
            group is null
                ? []
                :
                [
                    .. group
                        .Items.Select(item => item.Path)
                        .Where(path => !path.EndsWith("/_._", StringComparison.Ordinal))
                        .Select(path => Path.Combine(root, path)),
                ];
    }
}
