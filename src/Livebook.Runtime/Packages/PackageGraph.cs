using System.Collections.Immutable;
using NuGet.Frameworks;
using NuGet.Packaging;
using NuGet.Packaging.Core;
using NuGet.Versioning;

namespace Livebook.Runtime.Packages;

/// <summary>
/// Chooses the versions of packages and of what they need, and installs them. What a cell asks for itself wins;
/// of what packages ask for, the highest minimum wins. What the process has already is kept.
/// </summary>
/// <param name="kept">Packages that cells of this process use already.</param>
internal sealed class PackageGraph(PackageFeeds feeds, ImmutableDictionary<string, ChosenPackage> kept, Action<string> progress)
{
    private readonly Dictionary<string, ChosenPackage> _chosen = kept.ToDictionary(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _warnings = [];
    private ImmutableArray<string> _extraFeeds = [];

    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>Returns the requested packages with all that they need, requested ones first.</summary>
    /// <exception cref="PackageException">A package or version cannot be had, or does not go with what the process has.</exception>
    public async Task<ImmutableArray<ChosenPackage>> ResolveAsync(ImmutableArray<PackageRequest> requests, CancellationToken stop)
    {
        _extraFeeds = [.. requests.SelectMany(request => request.Feeds).Distinct()];
        var roots = Roots(requests);
        var level = new List<ChosenPackage>();
        foreach (var package in await Task.WhenAll(roots.Select(root => RootAsync(root.Id, root.Version, stop))))
        {
            _chosen[package.Id] = package;
            level.Add(package);
        }
        var rootIds = level.Select(package => package.Id).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var first = level.ToArray();
        while (level.Count > 0)
        {
            var wanted = Wanted(level, rootIds);
            level = [.. await Task.WhenAll(wanted.Select(want => DependencyAsync(want, stop)))];
            foreach (var package in level)
                _chosen[package.Id] = package;
        }
        return Reachable(first);
    }

    /// <summary>One request for each package; two that differ are a mistake.</summary>
    private List<(string Id, string? Version)> Roots(ImmutableArray<PackageRequest> requests)
    {
        var roots = new List<(string, string?)>();
        foreach (var group in requests.GroupBy(request => request.Id, StringComparer.OrdinalIgnoreCase))
        {
            var versions = group.Select(request => request.Version).OfType<string>().Distinct(StringComparer.OrdinalIgnoreCase).ToArray();
            if (versions.Length > 1)
                throw new PackageException($"{group.Key} is asked for in versions {string.Join(" and ", versions)}; keep one of the lines.");
            if (IsOfInteractive(group.Key))
                _warnings.Add($"{group.Key} only works in .NET Interactive and was left out.");
            else
                roots.Add((group.Key, versions.FirstOrDefault()));
        }
        return roots;
    }

    private async Task<ChosenPackage> RootAsync(string id, string? text, CancellationToken stop)
    {
        var range = text is null ? VersionRange.Parse("*") : VersionRange.Parse(text);
        if (kept.TryGetValue(id, out var present))
        {
            if (text is null || ((range.IsFloating || range.HasUpperBound) && range.Satisfies(present.Version)))
                return present;
            if (present.Version == range.MinVersion)
                return present;
            if (present.AskedFor is { } earlier && string.Equals(earlier, text, StringComparison.OrdinalIgnoreCase))
                return present;
            if (present.AskedFor is null && range.Satisfies(present.Version))
            {
                Warn($"{id} {present.Version} is used instead of {text}, because another package needs it.");
                return present;
            }
            throw new PackageException(
                $"{id} {text} was asked for, but this runtime has loaded {id} {present.Version}, and a process can have only one version of a package. "
                    + "Restart the runtime (run the setup cell again) to use the other version."
            );
        }
        return await InstallAsync(id, range, text ?? "*", null, stop);
    }

    private async Task<ChosenPackage> DependencyAsync(Want want, CancellationToken stop) => await InstallAsync(want.Id, want.Range, null, want.By, stop);

    /// <summary>What the packages of a level need and nobody has chosen yet: per package the highest minimum.</summary>
    private List<Want> Wanted(IEnumerable<ChosenPackage> level, HashSet<string> roots)
    {
        var wanted = new List<Want>();
        foreach (
            var (id, asked) in level
                .SelectMany(package => package.Dependencies.Select(need => (package, need)))
                .GroupBy(pair => pair.need.Id, StringComparer.OrdinalIgnoreCase)
                .Select(group => (group.Key, group))
        )
        {
            var (by, dependency) = asked.MaxBy(pair => pair.need.VersionRange.MinVersion ?? new NuGetVersion(0, 0, 0));
            var range = dependency.VersionRange;
            if (Platform.Covers(id, range.MinVersion))
                continue;
            if (IsOfInteractive(id))
            {
                Warn($"{by.Id} needs {id}, which only works in .NET Interactive and was left out.");
                continue;
            }
            if (!_chosen.TryGetValue(id, out var present))
            {
                wanted.Add(new Want(id, range, by.Id));
                continue;
            }
            if (range.Satisfies(present.Version))
                continue;
            var tooLow = range.MinVersion is { } minimum && present.Version < minimum;
            if (tooLow && kept.ContainsKey(id))
                throw new PackageException(
                    $"{by.Id} {by.Version} needs {id} {range.MinVersion} or later, but this runtime has loaded {id} {present.Version}. "
                        + $"Name {id} {range.MinVersion} in the setup cell and restart the runtime (run the setup cell again)."
                );
            if (tooLow && !roots.Contains(id))
                wanted.Add(new Want(id, range, by.Id));
            else
                Warn($"{by.Id} {by.Version} was made for {id} {range.PrettyPrint()}, but {present.Version} is used.");
        }
        return wanted;
    }

    private async Task<ChosenPackage> InstallAsync(string id, VersionRange range, string? asked, string? by, CancellationToken stop)
    {
        var version = await ChooseAsync(id, range, asked, by, stop);
        var path = feeds.Installed(id, version);
        if (path is null)
        {
            progress($"Downloading {id} {version}");
            path = await feeds.InstallAsync(new PackageIdentity(id, version), await feeds.OfferAsync(id, _extraFeeds, stop), stop);
        }
        var nuspec = await Task.Run(
            () =>
            {
                using var reader = new PackageFolderReader(path);
                return reader.NuspecReader;
            },
            stop
        );
        return new ChosenPackage(nuspec.GetId(), version, path, asked, Dependencies(nuspec));
    }

    private async Task<NuGetVersion> ChooseAsync(string id, VersionRange range, string? asked, string? by, CancellationToken stop)
    {
        if (range is { IsFloating: false, MinVersion: { } exact, IsMinInclusive: true } && feeds.Installed(id, exact) is not null)
            return exact;
        progress($"Looking for {id}");
        var offer = await feeds.OfferAsync(id, _extraFeeds, stop);
        var installed = feeds.InstalledVersions(id);
        var known = offer.Versions.Concat(installed).Distinct().ToArray();
        if (known.Length == 0)
            throw new PackageException(
                (by is null ? $"There is no package {id}." : $"{by} needs {id}, and there is no such package.") + $" Asked: {offer.Asked}."
            );
        var best = range.FindBestMatch(known);
        if (
            best is null
            && range.IsFloating
            && !range.Float!.IncludePrerelease
            && !range.HasUpperBound
            && known.Where(version => range.MinVersion is null || version >= range.MinVersion).Max() is { } preview
        )
        {
            Warn($"{id} has no stable release{(asked is null or "*" ? "" : $" for {asked}")}; {preview} is used.");
            return preview;
        }
        if (best is null)
            throw new PackageException($"There is no version {range.PrettyPrint()} of {id}; the latest is {known.Max()}. Asked: {offer.Asked}.");
        if (!range.IsFloating && range is { MinVersion: { } minimum, IsMinInclusive: true } && best != minimum && asked is not null)
            Warn($"{id} {minimum} does not exist; {best}, the next higher version, is used.");
        if (range.IsFloating && offer.Answers.Any(answer => answer.Failure is not null))
            Warn($"{id} {best} is the latest that could be found. Asked: {offer.Asked}.");
        return best;
    }

    private ImmutableArray<ChosenPackage> Reachable(IEnumerable<ChosenPackage> first)
    {
        var found = new Dictionary<string, ChosenPackage>(StringComparer.OrdinalIgnoreCase);
        var open = new Queue<string>(first.Select(package => package.Id));
        while (open.TryDequeue(out var id))
        {
            if (!_chosen.TryGetValue(id, out var package) || !found.TryAdd(id, package))
                continue;
            foreach (var dependency in package.Dependencies)
                open.Enqueue(dependency.Id);
        }
        return [.. found.Values];
    }

    private static ImmutableArray<PackageDependency> Dependencies(NuspecReader nuspec)
    {
        var groups = nuspec.GetDependencyGroups().ToArray();
        var group = NuGetFrameworkUtility.GetNearest(groups, PackageAssets.Framework) ?? NuGetFrameworkUtility.GetNearest(groups, PackageAssets.OldFramework);
        return group is null ? [] : [.. group.Packages];
    }

    private void Warn(string text)
    {
        lock (_warnings)
        {
            if (!_warnings.Contains(text))
                _warnings.Add(text);
        }
    }

    private static bool IsOfInteractive(string id) =>
        id.Equals("Microsoft.DotNet.Interactive", StringComparison.OrdinalIgnoreCase)
        || id.StartsWith("Microsoft.DotNet.Interactive.", StringComparison.OrdinalIgnoreCase);

    private sealed record Want(string Id, VersionRange Range, string By);
}

/// <summary>An installed package of the session.</summary>
/// <param name="AskedFor">The version text by which a cell asked for it; null when another package needs it.</param>
internal sealed record ChosenPackage(string Id, NuGetVersion Version, string Path, string? AskedFor, ImmutableArray<PackageDependency> Dependencies);
