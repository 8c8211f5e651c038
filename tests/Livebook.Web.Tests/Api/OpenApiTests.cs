using System.Text.Json;
using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Api;

public sealed class OpenApiTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private static readonly string s_committed = Testing.Repository.PathOf("docs", "openapi.json");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_document_is_the_committed_one()
    {
        using var response = await shared.Server.GetAsync("/api/v1/openapi.json");
        Assert.Equal(200, (int)response.StatusCode);
        var document = (await response.Content.ReadAsStringAsync(Stop)).ReplaceLineEndings("\n").TrimEnd() + "\n";
        if (Environment.GetEnvironmentVariable("LIVEBOOK_UPDATE") == "1")
            await File.WriteAllTextAsync(s_committed, document, Stop);
        Assert.True(
            document == await File.ReadAllTextAsync(s_committed, Stop),
            "docs/openapi.json is not what the routes say. Look at the difference, then run this test with LIVEBOOK_UPDATE=1 to write it."
        );
    }

    [Fact]
    public async Task Every_operation_has_a_name_a_summary_and_an_answer()
    {
        using var response = await shared.Server.GetAsync("/api/v1/openapi.json");
        var root = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Stop)).RootElement;
        var names = new HashSet<string>();
        foreach (var path in root.GetProperty("paths").EnumerateObject())
        {
            Assert.StartsWith("/api/v1/", path.Name, StringComparison.Ordinal);
            foreach (var operation in path.Value.EnumerateObject())
            {
                Assert.True(names.Add(operation.Value.GetProperty("operationId").GetString()!));
                Assert.NotEmpty(operation.Value.GetProperty("summary").GetString()!);
                Assert.Contains(operation.Value.GetProperty("responses").EnumerateObject(), answer => answer.Name.StartsWith('2'));
            }
        }
        Assert.True(names.Count >= 23, $"{names.Count} operations");
    }
}
