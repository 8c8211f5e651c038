using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.RegularExpressions;
using NuGet.Common;
using NuGet.Configuration;
using NuGet.Packaging;
using NuGet.Packaging.Core;
using NuGet.Packaging.Signing;
using NuGet.Protocol.Core.Types;
using NuGet.Versioning;

namespace Livebook.Runtime.Packages;

/// <summary>The sources, folders and rules of the NuGet.config files that apply to a directory, and what can be had there.</summary>
internal sealed partial class PackageFeeds : IDisposable
{
    private readonly ISettings _settings;
    private readonly string _globalFolder;
    private readonly ImmutableArray<string> _folders;
    private readonly PackageSourceMapping _mapping;
    private readonly ImmutableArray<SourceRepository> _sources;
    private readonly ConcurrentDictionary<string, SourceRepository> _extra = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Lazy<Task<Offer>>> _offers = new(StringComparer.OrdinalIgnoreCase);
    private readonly SourceCacheContext _cache = new();

    /// <param name="directory">Where the search for NuGet.config begins.</param>
    /// <exception cref="PackageException">A NuGet.config file is broken.</exception>
    public PackageFeeds(string directory)
    {
        Directory = directory;
        try
        {
            _settings = Settings.LoadDefaultSettings(directory);
            _globalFolder = SettingsUtility.GetGlobalPackagesFolder(_settings);
            _folders = [_globalFolder, .. SettingsUtility.GetFallbackPackageFolders(_settings)];
            _mapping = PackageSourceMapping.GetPackageSourceMapping(_settings);
            _sources =
            [
                .. new SourceRepositoryProvider(new PackageSourceProvider(_settings), Repository.Provider.GetCoreV3())
                    .GetRepositories()
                    .Where(source => source.PackageSource.IsEnabled),
            ];
        }
        catch (NuGetConfigurationException error)
        {
            throw new PackageException($"The configuration of NuGet cannot be read: {error.Message}", error);
        }
    }

    public string Directory { get; }

    /// <summary>Forgets what the sources had, so that what was published meanwhile is found.</summary>
    public void Refresh() => _offers.Clear();

    /// <summary>Folder of an installed package; null when it is not installed.</summary>
    public string? Installed(string id, NuGetVersion version) =>
        _folders
            .Select(folder => new VersionFolderPathResolver(folder))
            .Where(paths => IsComplete(paths, id, version))
            .Select(paths => paths.GetInstallPath(id, version))
            .FirstOrDefault();

    /// <summary>Versions of a package that are installed.</summary>
    public ImmutableArray<NuGetVersion> InstalledVersions(string id) =>
        [
            .. _folders
                .Select(folder => new VersionFolderPathResolver(folder))
                .Where(paths => System.IO.Directory.Exists(paths.GetVersionListPath(id)))
                .SelectMany(paths =>
                    System
                        .IO.Directory.EnumerateDirectories(paths.GetVersionListPath(id))
                        .Select(path => NuGetVersion.TryParse(Path.GetFileName(path), out var version) ? version : null)
                        .OfType<NuGetVersion>()
                        .Where(version => IsComplete(paths, id, version))
                )
                .Distinct(),
        ];

    /// <summary>What the sources have of a package. A source that does not answer is named in the result, not thrown.</summary>
    public Task<Offer> OfferAsync(string id, ImmutableArray<string> feeds, CancellationToken stop) =>
        _offers.GetOrAdd($"{id}\n{string.Join('\n', feeds)}", _ => new Lazy<Task<Offer>>(() => AskAsync(id, feeds, stop))).Value;

    /// <summary>Puts a package into the global folder.</summary>
    /// <exception cref="PackageException">It could not be downloaded or is not a package.</exception>
    public async Task<string> InstallAsync(PackageIdentity package, Offer offer, CancellationToken stop)
    {
        (Exception Error, string Reason)? failure = null;
        foreach (var source in offer.Sources(package.Version))
        {
            try
            {
                var resource = await FinderAsync(source, stop);
                using var download =
                    await resource.GetPackageDownloaderAsync(package, _cache, NullLogger.Instance, stop)
                    ?? throw new PackageException("the source does not have it any more");
                var context = new PackageExtractionContext(
                    PackageSaveMode.Defaultv3,
                    XmlDocFileSaveMode.None,
                    ClientPolicyContext.GetClientPolicy(_settings, NullLogger.Instance),
                    NullLogger.Instance
                );
                await PackageExtractor.InstallFromSourceAsync(package, download, new VersionFolderPathResolver(_globalFolder), context, stop);
                if (Installed(package.Id, package.Version) is { } path)
                    return path;
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                failure = (error, Reason(error, source));
            }
        }
        stop.ThrowIfCancellationRequested();
        throw new PackageException(
            $"{package.Id} {package.Version} could not be downloaded from {Names(offer.Sources(package.Version))}{(failure is null ? "." : $": {failure.Value.Reason}")}",
            failure?.Error
        );
    }

    public void Dispose() => _cache.Dispose();

    private async Task<Offer> AskAsync(string id, ImmutableArray<string> feeds, CancellationToken stop)
    {
        var answers = await Task.WhenAll(SourcesOf(id, feeds).Select(source => AskAsync(id, source, stop)));
        stop.ThrowIfCancellationRequested();
        return new Offer([.. answers]);
    }

    private async Task<Answer> AskAsync(string id, SourceRepository source, CancellationToken stop)
    {
        try
        {
            var resource = await FinderAsync(source, stop);
            return new Answer(source, [.. await resource.GetAllVersionsAsync(id, _cache, NullLogger.Instance, stop)], null);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return new Answer(source, [], Reason(error, source));
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new Answer(source, [], "it did not answer in time");
        }
    }

    private static async Task<FindPackageByIdResource> FinderAsync(SourceRepository source, CancellationToken stop) =>
        await source.GetResourceAsync<FindPackageByIdResource>(stop) ?? throw new PackageException("it is not a source of packages");

    private IEnumerable<SourceRepository> SourcesOf(string id, ImmutableArray<string> feeds)
    {
        var allowed = _mapping.IsEnabled ? _mapping.GetConfiguredPackageSources(id) : null;
        return _sources
            .Where(source => allowed is null || allowed.Contains(source.PackageSource.Name, StringComparer.OrdinalIgnoreCase))
            .Concat(feeds.Select(feed => _extra.GetOrAdd(feed, Extra)));
    }

    private SourceRepository Extra(string feed)
    {
        var address = feed.Contains("://", StringComparison.Ordinal) ? feed : Path.GetFullPath(feed, Directory);
        return new SourceRepository(new PackageSource(address, NameOf(address)), Repository.Provider.GetCoreV3());
    }

    /// <summary>An address as it may be shown: without user, password and query.</summary>
    private static string NameOf(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && !uri.IsFile ? $"{uri.Scheme}://{uri.Authority.Split('@')[^1]}{uri.AbsolutePath}" : address;

    private static bool IsComplete(VersionFolderPathResolver paths, string id, NuGetVersion version) =>
        File.Exists(paths.GetNupkgMetadataPath(id, version)) || File.Exists(paths.GetHashPath(id, version));

    /// <summary>The innermost message, without the source's address: that may hold a password.</summary>
    private static string Reason(Exception error, SourceRepository source)
    {
        while (error.InnerException is { } inner)
            error = inner;
        return UserInAddress().Replace(error.Message.Replace(source.PackageSource.Source, source.PackageSource.Name, StringComparison.Ordinal), "//");
    }

    [GeneratedRegex(@"//[^/@\s]+@")]
    private static partial Regex UserInAddress();

    private static string Names(IEnumerable<SourceRepository> sources) => string.Join(", ", sources.Select(source => source.PackageSource.Name));

    /// <summary>What one source has, or why it did not say.</summary>
    public sealed record Answer(SourceRepository Source, ImmutableArray<NuGetVersion> Versions, string? Failure);

    /// <summary>What the sources have of one package.</summary>
    public sealed record Offer(ImmutableArray<Answer> Answers)
    {
        public IEnumerable<NuGetVersion> Versions => Answers.SelectMany(answer => answer.Versions);

        public IEnumerable<SourceRepository> Sources(NuGetVersion version) =>
            Answers.Where(answer => answer.Versions.Contains(version)).Select(answer => answer.Source);

        /// <summary>Where was looked, and who did not answer.</summary>
        public string Asked =>
            Answers is []
                ? "no source of packages is configured for it"
                : string.Join(
                    "; ",
                    Answers.Select(answer =>
                        answer.Failure is null ? answer.Source.PackageSource.Name : $"{answer.Source.PackageSource.Name} (not reached: {answer.Failure})"
                    )
                );
    }
}
