using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using NuGet.Frameworks;
using NuGet.Packaging;
using NuGet.Packaging.Core;
using NuGet.Versioning;

namespace Livebook.Runtime.Tests.Packages;

/// <summary>A directory with a folder of packages as its only source, and a global folder of its own.</summary>
internal sealed class LocalFeed : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("feed");

    public LocalFeed(string name = "shelf", string? address = null)
    {
        Directory.CreateDirectory(Shelf);
        File.WriteAllText(
            Path.Combine(_root.FullName, "NuGet.config"),
            $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="{Global}" /></config>
              <packageSources><clear /><add key="{name}" value="{address ?? Shelf}" /></packageSources>
              <fallbackPackageFolders><clear /></fallbackPackageFolders>
            </configuration>
            """
        );
    }

    public string Root => _root.FullName;

    public string Shelf => Path.Combine(_root.FullName, "shelf");

    public string Global => Path.Combine(_root.FullName, "global");

    /// <summary>Puts a package on the shelf whose class <c>{id without dots}</c> has the constant-like property <c>Version</c>.</summary>
    public LocalFeed Add(string id, string version, params (string Id, string Range)[] needs)
    {
        var dll = Compile(id, version);
        return Write(id, version, needs, ($"lib/net8.0/{id}.dll", dll));
    }

    public LocalFeed Write(string id, string version, (string Id, string Range)[] needs, params (string Path, byte[] Content)[] files)
    {
        var builder = new PackageBuilder
        {
            Id = id,
            Version = NuGetVersion.Parse(version),
            Description = "test",
        };
        builder.Authors.Add("test");
        builder.DependencyGroups.Add(
            new PackageDependencyGroup(NuGetFramework.Parse("net8.0"), needs.Select(need => new PackageDependency(need.Id, VersionRange.Parse(need.Range))))
        );
        foreach (var (path, content) in files)
            builder.Files.Add(new PhysicalPackageFile(new MemoryStream(content)) { TargetPath = path });
        using var stream = File.Create(Path.Combine(Shelf, $"{id}.{version}.nupkg"));
        builder.Save(stream);
        return this;
    }

    public static byte[] Compile(string id, string version)
    {
        var type = id.Replace(".", "", StringComparison.Ordinal);
        var source = $$"""
            [assembly: System.Reflection.AssemblyVersion("{{version.Split('-')[0]}}.0")]
            public static class {{type}} { public static string Version => "{{version}}"; }
            """;
        using var stream = new MemoryStream();
        var result = CSharpCompilation
            .Create(
                id,
                [CSharpSyntaxTree.ParseText(source)],
                [MetadataReference.CreateFromFile(typeof(object).Assembly.Location)],
                new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary)
            )
            .Emit(stream);
        Assert.True(result.Success, string.Join('\n', result.Diagnostics));
        return stream.ToArray();
    }

    public void Dispose() => _root.Delete(recursive: true);
}
