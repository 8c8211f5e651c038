using System.Collections.Immutable;
using System.Reflection;
using System.Text;
using Livebook.Runtime.Packages;

namespace Livebook.Runtime.Tests.Packages;

public sealed class SessionPackagesTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static ImmutableArray<PackageRequest> Requests(params string[] packages) =>
        PackageDirectives.Parse(string.Concat(packages.Select(package => $"#:package {package}\n"))).Packages;

    private static SessionPackages Session(LocalFeed feed) => new(() => feed.Root);

    private static string VersionOf(SessionPackages session, string id) =>
        (string)session.Load(new AssemblyName(id))!.GetType(id.Replace(".", "", StringComparison.Ordinal))!.GetProperty("Version")!.GetValue(null)!;

    private static Task<PackageAddition> AddAsync(SessionPackages session, params string[] packages) => session.AddAsync(Requests(packages), _ => { }, Stop);

    [Fact]
    public async Task A_package_brings_what_it_needs_and_both_can_be_loaded()
    {
        using var feed = new LocalFeed().Add("Deep", "2.1.0").Add("Top", "1.0.0", ("Deep", "2.0.0"));
        var session = Session(feed);
        var progress = new List<string>();

        var added = await session.AddAsync(Requests("Top@1.0.0"), progress.Add, Stop);

        Assert.Equal(["Deep.dll", "Top.dll"], added.CompileReferences.Select(Path.GetFileName).Order());
        Assert.Empty(added.Warnings);
        Assert.Equal(("1.0.0", "2.1.0"), (VersionOf(session, "Top"), VersionOf(session, "Deep")));
        Assert.Contains("Downloading Top 1.0.0", progress);
    }

    [Fact]
    public async Task What_a_cell_asks_for_wins_over_what_packages_ask_for()
    {
        using var feed = new LocalFeed().Add("X", "1.0.0").Add("X", "2.0.0").Add("A", "1.0.0", ("X", "2.0.0"));
        var session = Session(feed);

        var added = await AddAsync(session, "A@1.0.0", "X@1.0.0");

        Assert.Equal("1.0.0", VersionOf(session, "X"));
        var warning = Assert.Single(added.Warnings);
        Assert.Contains("X", warning, StringComparison.Ordinal);
        Assert.Contains("2.0.0", warning, StringComparison.Ordinal);
        Assert.Contains("1.0.0 is used", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_what_packages_ask_for_the_highest_minimum_wins_and_left_over_needs_are_dropped()
    {
        using var feed = new LocalFeed()
            .Add("Old", "1.0.0")
            .Add("X", "1.0.0", ("Old", "1.0.0"))
            .Add("X", "2.0.0")
            .Add("X", "3.0.0")
            .Add("A", "1.0.0", ("X", "1.0.0"))
            .Add("B", "1.0.0", ("C", "1.0.0"))
            .Add("C", "1.0.0", ("X", "2.0.0"));
        var session = Session(feed);

        var added = await AddAsync(session, "A@1.0.0", "B@1.0.0");

        Assert.Equal("2.0.0", VersionOf(session, "X"));
        Assert.Equal(["A.dll", "B.dll", "C.dll", "X.dll"], added.CompileReferences.Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task A_version_that_no_source_has_gives_the_next_higher_one_and_a_warning_that_names_both()
    {
        using var feed = new LocalFeed().Add("X", "1.0.0").Add("X", "1.3.0").Add("X", "2.0.0");
        var session = Session(feed);

        var added = await AddAsync(session, "X@1.2.0");

        Assert.Equal("1.3.0", VersionOf(session, "X"));
        Assert.Equal("X 1.2.0 does not exist; 1.3.0, the next higher version, is used.", Assert.Single(added.Warnings));
    }

    [Theory]
    [InlineData("X", "1.3.0")]
    [InlineData("X@1.*", "1.3.0")]
    [InlineData("X@*-*", "2.0.0-beta")]
    [InlineData("X@[1.0,1.3)", "1.0.0")]
    public async Task Ranges_and_floating_versions_choose_as_usual(string package, string version)
    {
        using var feed = new LocalFeed().Add("X", "1.0.0").Add("X", "1.3.0").Add("X", "2.0.0-beta");
        var session = Session(feed);

        var added = await AddAsync(session, package);

        Assert.Equal(version, VersionOf(session, "X"));
        Assert.Empty(added.Warnings);
    }

    [Fact]
    public async Task A_package_with_only_previews_is_used_with_a_warning()
    {
        using var feed = new LocalFeed().Add("X", "1.0.0-rc.1");
        var session = Session(feed);

        var added = await AddAsync(session, "X");

        Assert.Equal("1.0.0-rc.1", VersionOf(session, "X"));
        Assert.Equal("X has no stable release; 1.0.0-rc.1 is used.", Assert.Single(added.Warnings));
    }

    [Fact]
    public async Task An_unknown_package_is_named_together_with_the_sources_and_adds_nothing()
    {
        using var feed = new LocalFeed().Add("X", "1.0.0");
        var session = Session(feed);

        var error = await Assert.ThrowsAsync<PackageException>(() => AddAsync(session, "X@1.0.0", "Nowhere.To.Be.Found@1.0.0"));

        Assert.Equal("There is no package Nowhere.To.Be.Found. Asked: shelf.", error.Message);
        Assert.Null(session.Load(new AssemblyName("X")));
    }

    [Fact]
    public async Task A_range_without_a_match_says_which_version_is_the_latest()
    {
        using var feed = new LocalFeed().Add("X", "1.0.0");
        var session = Session(feed);

        var error = await Assert.ThrowsAsync<PackageException>(() => AddAsync(session, "X@3.0.0"));

        Assert.Contains("the latest is 1.0.0", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_version_of_a_package_in_use_needs_a_restart()
    {
        using var feed = new LocalFeed().Add("X", "1.0.0").Add("X", "2.0.0");
        var session = Session(feed);
        await AddAsync(session, "X@1.0.0");

        var error = await Assert.ThrowsAsync<PackageException>(() => AddAsync(session, "X@2.0.0"));
        var again = await AddAsync(session, "X@1.0.0");

        Assert.Contains("Restart the runtime", error.Message, StringComparison.Ordinal);
        Assert.Contains("X 1.0.0", error.Message, StringComparison.Ordinal);
        Assert.Single(again.CompileReferences);
    }

    [Fact]
    public async Task A_later_package_that_needs_a_newer_version_of_one_in_use_needs_a_restart()
    {
        using var feed = new LocalFeed().Add("X", "1.0.0").Add("X", "2.0.0").Add("A", "1.0.0", ("X", "2.0.0"));
        var session = Session(feed);
        await AddAsync(session, "X@1.0.0");

        var error = await Assert.ThrowsAsync<PackageException>(() => AddAsync(session, "A@1.0.0"));

        Assert.Contains("A 1.0.0 needs X 2.0.0 or later", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_version_that_another_package_raised_is_kept_with_a_warning()
    {
        using var feed = new LocalFeed().Add("X", "1.0.0").Add("X", "1.5.0").Add("A", "1.0.0", ("X", "1.5.0"));
        var session = Session(feed);
        await AddAsync(session, "A@1.0.0");

        var added = await AddAsync(session, "X@1.0.0");

        Assert.Equal("X 1.5.0 is used instead of 1.0.0, because another package needs it.", Assert.Single(added.Warnings));
    }

    [Fact]
    public async Task What_is_installed_works_while_the_source_is_out_of_reach()
    {
        using var feed = new LocalFeed().Add("Deep", "1.0.0").Add("Top", "1.0.0", ("Deep", "1.0.0"));
        await AddAsync(Session(feed), "Top@1.0.0");
        Directory.Delete(feed.Shelf, recursive: true);
        var offline = Session(feed);

        var exact = await AddAsync(offline, "Top@1.0.0");
        var latest = await AddAsync(offline, "Deep");

        Assert.Empty(exact.Warnings);
        Assert.Equal("1.0.0", VersionOf(offline, "Deep"));
        Assert.Single(latest.CompileReferences);
    }

    [Fact]
    public async Task A_source_that_does_not_answer_is_named_without_its_password()
    {
        using var feed = new LocalFeed("broken", "http://user:secret@127.0.0.1:9/v3/index.json");
        var session = Session(feed);

        var error = await Assert.ThrowsAsync<PackageException>(() => AddAsync(session, "X@1.0.0"));

        Assert.Contains("broken (not reached:", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cell_can_name_a_further_source()
    {
        using var feed = new LocalFeed();
        using var other = new LocalFeed().Add("X", "1.0.0");
        var session = Session(feed);

        await session.AddAsync(PackageDirectives.Parse($"#i \"nuget: {other.Shelf}\"\n#r \"nuget: X, 1.0.0\"").Packages, _ => { }, Stop);

        Assert.Equal("1.0.0", VersionOf(session, "X"));
    }

    [Fact]
    public async Task Packages_of_dotnet_interactive_are_left_out_with_a_warning()
    {
        using var feed = new LocalFeed().Add("X", "1.0.0", ("Microsoft.DotNet.Interactive", "1.0.0"));
        var session = Session(feed);

        var added = await AddAsync(session, "X@1.0.0", "Microsoft.DotNet.Interactive.ExtensionLab@1.0.0-beta");

        Assert.Single(added.CompileReferences);
        Assert.Equal(2, added.Warnings.Count(warning => warning.Contains(".NET Interactive", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_package_that_only_changes_builds_is_said_to_have_no_effect()
    {
        using var feed = new LocalFeed().Write("Builder", "1.0.0", [], ("build/Builder.targets", Encoding.UTF8.GetBytes("<Project />")));
        var session = Session(feed);

        var added = await AddAsync(session, "Builder@1.0.0");

        Assert.Contains("only changes how projects are built", Assert.Single(added.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_package_for_the_old_framework_is_used_with_a_warning()
    {
        using var feed = new LocalFeed().Write("Ancient", "1.0.0", [], ("lib/net45/Ancient.dll", LocalFeed.Compile("Ancient", "1.0.0")));
        var session = Session(feed);

        var added = await AddAsync(session, "Ancient@1.0.0");

        Assert.Equal("1.0.0", VersionOf(session, "Ancient"));
        Assert.Contains("made for .NET Framework", Assert.Single(added.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_assembly_that_the_platform_has_at_least_as_new_comes_from_the_platform()
    {
        using var feed = new LocalFeed().Add("System.Text.Json", "4.0.0");
        var session = Session(feed);

        var added = await AddAsync(session, "System.Text.Json@4.0.0");

        Assert.Empty(added.CompileReferences);
        Assert.Null(session.Load(new AssemblyName("System.Text.Json")));
    }

    [Fact]
    public async Task An_assembly_that_the_package_has_newer_comes_from_the_package()
    {
        using var feed = new LocalFeed().Add("System.Text.Json", "99.0.0");
        var session = Session(feed);

        await AddAsync(session, "System.Text.Json@99.0.0");

        Assert.Equal(new Version(99, 0, 0, 0), session.Load(new AssemblyName("System.Text.Json"))!.GetName().Version);
    }

    [Fact]
    public async Task A_stop_ends_the_restore()
    {
        using var feed = new LocalFeed().Add("X", "1.0.0");
        var session = Session(feed);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => session.AddAsync(Requests("X@1.0.0"), _ => { }, new CancellationToken(canceled: true)));

        await AddAsync(session, "X@1.0.0");
        Assert.Equal("1.0.0", VersionOf(session, "X"));
    }
}
