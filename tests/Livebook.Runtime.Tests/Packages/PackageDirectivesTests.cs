using CsCheck;
using Livebook.Protocol;
using Livebook.Runtime.Packages;

namespace Livebook.Runtime.Tests.Packages;

public sealed class PackageDirectivesTests
{
    [Theory]
    [InlineData("#r \"nuget: Humanizer, 2.14.1\"", "Humanizer", "2.14.1")]
    [InlineData("#r \"nuget:Humanizer,2.14.1\"", "Humanizer", "2.14.1")]
    [InlineData("#r \"nuget:Humanizer\"", "Humanizer", null)]
    [InlineData("  #r \"nuget: Humanizer, *-*\" // newest", "Humanizer", "*-*")]
    [InlineData("#r \"nuget: Humanizer, [2.0,3.0)\"", "Humanizer", "[2.0,3.0)")]
    [InlineData("#:package Humanizer@2.14.1", "Humanizer", "2.14.1")]
    [InlineData("#:package Humanizer", "Humanizer", null)]
    [InlineData("#:package Humanizer@2.*", "Humanizer", "2.*")]
    public void A_package_directive_gives_name_and_version(string source, string id, string? version)
    {
        var parsed = PackageDirectives.Parse(source);

        Assert.Empty(parsed.Errors);
        var request = Assert.Single(parsed.Packages);
        Assert.Equal(id, request.Id);
        Assert.Equal(version, request.Version);
        Assert.Equal(source.TrimStart(), source[request.From..request.To]);
        Assert.True(string.IsNullOrWhiteSpace(parsed.Source));
    }

    [Theory]
    [InlineData("var s = \"\"\"\n#r \"nuget: X, 1.0\"\n\"\"\";")]
    [InlineData("var s = @\"\n#r \"\"nuget: X, 1.0\"\"\n\";")]
    [InlineData("/*\n#r \"nuget: X, 1.0\"\n*/")]
    [InlineData("// #r \"nuget: X, 1.0\"")]
    [InlineData("#if NEVER\n#r \"nuget: X, 1.0\"\n#:package Y@1.0\n#i \"nuget: /tmp\"\n#endif\nvar x = 1;")]
    [InlineData("var x = 1;\n#!not a first line")]
    [InlineData("#region a\n#endregion")]
    public void What_only_looks_like_a_directive_stays_as_it_is(string source)
    {
        var parsed = PackageDirectives.Parse(source);

        Assert.Equal(source, parsed.Source);
        Assert.Empty(parsed.Packages);
        Assert.Empty(parsed.Errors);
    }

    [Fact]
    public void Directives_may_come_after_code_and_keep_every_offset()
    {
        const string source =
            "#!/usr/bin/env dotnet\r\nvar a = 1;\r\n#r \"nuget: X, 1.0\"\r\n#r \"lib/my.dll\"\r\n#i \"nuget: https://feed.example/v3/index.json\"\r\nvar b = 2;";

        var parsed = PackageDirectives.Parse(source);

        Assert.Equal(source.Length, parsed.Source.Length);
        Assert.Equal(source.IndexOf("var b", StringComparison.Ordinal), parsed.Source.IndexOf("var b", StringComparison.Ordinal));
        Assert.Equal(source.Count('\n'), parsed.Source.Count('\n'));
        Assert.DoesNotContain('#', parsed.Source);
        Assert.Equal("lib/my.dll", Assert.Single(parsed.AssemblyPaths));
        Assert.Equal("https://feed.example/v3/index.json", Assert.Single(Assert.Single(parsed.Packages).Feeds));
    }

    [Theory]
    [InlineData("#r \"nuget: \"", "LB0005")]
    [InlineData("#r \"nuget: a b\"", "LB0005")]
    [InlineData("#r \"nuget: X, one\"", "LB0006")]
    [InlineData("#r nuget", "LB0001")]
    [InlineData("#r \"Some.Thing\"", "LB0001")]
    [InlineData("#i \"https://x\"", "LB0003")]
    [InlineData("#:sdk Microsoft.NET.Sdk.Web", "LB0004")]
    [InlineData("#:package", "LB0004")]
    public void A_wrong_directive_says_what_to_write(string directive, string code)
    {
        var parsed = PackageDirectives.Parse("var a = 1;\n" + directive + "\nvar b = 2;");

        var error = Assert.Single(parsed.Errors);
        Assert.Equal((code, 2, DiagnosticSeverity.Error), (error.Code, error.Line, error.Severity));
        Assert.Equal((11, 11 + directive.Length), (error.From, error.To));
        Assert.Empty(parsed.Packages);
        Assert.DoesNotContain('#', parsed.Source);
    }

    [Fact]
    public void A_reference_to_the_platform_is_only_a_warning() =>
        Assert.Equal(DiagnosticSeverity.Warning, Assert.Single(PackageDirectives.Parse("#r \"System.Net.Http\"").Errors).Severity);

    private static readonly string[] Parts =
    [
        "#r ",
        "#:package ",
        "\"nuget: X, 1\"",
        "\n",
        "\r\n",
        "\"",
        "\"\"\"",
        "/*",
        "*/",
        "//",
        "#if A",
        "#endif",
        "#i ",
        "#!",
        "x",
        " ",
    ];

    [Fact]
    public void Any_text_keeps_its_length_and_line_ends() =>
        Gen.Int[0, Parts.Length - 1]
            .Array[0, 20]
            .Select(parts => string.Concat(parts.Select(part => Parts[part])))
            .Sample(
                source =>
                {
                    var blanked = PackageDirectives.Parse(source).Source;
                    Assert.Equal(source.Length, blanked.Length);
                    for (var at = 0; at < source.Length; at++)
                        Assert.True(blanked[at] == source[at] || (blanked[at] == ' ' && source[at] is not ('\n' or '\r')));
                },
                iter: 2_000
            );
}
