using System.Reflection;
using Livebook.Runtime.Packages;

namespace Livebook.Runtime.Tests.Packages;

/// <summary>Packages as everybody uses them, from the sources of this machine.</summary>
public sealed class PublicPackagesTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static Task<PackageAddition> AddAsync(SessionPackages session, string source) =>
        session.AddAsync(PackageDirectives.Parse(source).Packages, _ => { }, Stop);

    [Fact]
    public async Task Newtonsoft_Json_comes_in_the_version_asked_for_although_the_product_has_another()
    {
        var session = new SessionPackages();

        await AddAsync(session, "#r \"nuget: Newtonsoft.Json, 12.0.3\"");

        var assembly = session.Load(new AssemblyName("Newtonsoft.Json"))!;
        Assert.Equal(new Version(12, 0, 0, 0), assembly.GetName().Version);
        var convert = assembly.GetType("Newtonsoft.Json.JsonConvert")!.GetMethod("SerializeObject", [typeof(object)])!;
        Assert.Equal("[1,2]", convert.Invoke(null, [new[] { 1, 2 }]));
    }

    [Fact]
    public async Task Humanizer_works()
    {
        var session = new SessionPackages();

        await AddAsync(session, "#:package Humanizer.Core@2.14.1");

        var humanize = session
            .Load(new AssemblyName("Humanizer"))!
            .GetType("Humanizer.ToQuantityExtensions")!
            .GetMethods()
            .First(method => method.Name == "ToQuantity");
        var arguments = humanize
            .GetParameters()
            .Select(parameter =>
                parameter.Name == "input" ? "case"
                : parameter.HasDefaultValue ? parameter.DefaultValue
                : 2
            );
        Assert.Equal(
            "2 cases",
            humanize.Invoke(null, [.. arguments.Select((value, at) => humanize.GetParameters()[at].ParameterType == typeof(int) ? 2 : value)])
        );
    }

    [Fact]
    public async Task A_package_with_a_native_library_opens_a_database()
    {
        var session = new SessionPackages();

        var added = await AddAsync(session, "#r \"nuget: Microsoft.Data.Sqlite, 10.0.0\"");

        Assert.Contains(added.CompileReferences, path => Path.GetFileName(path) == "Microsoft.Data.Sqlite.dll");
        Assert.NotEqual(0, session.LoadNative("e_sqlite3"));
        var type = session.Load(new AssemblyName("Microsoft.Data.Sqlite"))!.GetType("Microsoft.Data.Sqlite.SqliteConnection")!;
        using var connection = (System.Data.Common.DbConnection)Activator.CreateInstance(type, "Data Source=:memory:")!;
        await connection.OpenAsync(Stop);
        await using var command = connection.CreateCommand();
        command.CommandText = "select 6 * 7";
        Assert.Equal(42L, await command.ExecuteScalarAsync(Stop));
    }
}
