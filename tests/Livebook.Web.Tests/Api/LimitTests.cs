using System.Text;
using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Api;

public sealed class LimitTests
{
    private const string Auth = "Authorization";
    private static readonly string Bearer = $"Bearer {TestServer.ApiKey}";

    [Fact]
    public async Task A_notebook_over_the_limit_is_not_opened_by_any_door()
    {
        await using var server = await TestServer.StartAsync(("LIVEBOOK_NOTEBOOK_LIMIT_BYTES", "1024"), ("LIVEBOOK_TOKEN_ENABLED", "false"));
        using var folder = new TemporaryFolder();
        var source = "# Large\n\n" + new string('a', 2000);
        foreach (var body in new object[] { new { source, format = "livemd" }, new { file = folder.Write("large.livemd", source) } })
        {
            var answer = await server.Api.PostAsync(413, "sessions", body);
            Assert.Equal("too-large", answer.Problem);
            Assert.Contains("LIVEBOOK_NOTEBOOK_LIMIT_BYTES", answer.Detail, StringComparison.Ordinal);
        }
        Assert.Equal(413, await UploadAsync(server, source));
        Assert.Equal(201, await UploadAsync(server, "# Small\n"));
    }

    [Fact]
    public async Task A_body_over_the_limit_of_uploads_is_refused()
    {
        await using var server = await TestServer.StartAsync(("LIVEBOOK_UPLOAD_LIMIT_BYTES", "1024"), ("LIVEBOOK_TOKEN_ENABLED", "false"));
        var source = new string('a', 2000);
        Assert.Equal("too-large", (await server.Api.PostAsync(413, "sessions", new { source })).Problem);
        Assert.Equal(413, await UploadAsync(server, source));
        await server.Api.PostAsync(201, "sessions", new { source = "# Small\n" });
    }

    [Fact]
    public async Task With_too_little_room_on_the_disk_nothing_is_changed_and_everything_is_shown()
    {
        using var data = new TemporaryFolder();
        string id;
        await using (var server = await TestServer.StartOnAsync(data))
            id = await server.Api.NewSessionAsync("# Full\n\n## One\n\n```csharp\n1\n```\n");
        await using (
            var server = await TestServer.StartOnAsync(
                data,
                ("LIVEBOOK_MIN_FREE_BYTES", (1L << 40).ToString(System.Globalization.CultureInfo.InvariantCulture))
            )
        )
        {
            var refused = await server.Api.PostAsync(507, "sessions", new { name = "More" });
            Assert.Equal("disk-full", refused.Problem);
            Assert.Contains("LIVEBOOK_DATA_PATH", refused.Detail, StringComparison.Ordinal);
            var cell = (await server.Api.CellsAsync(id))[0];
            var edit = await server.Api.PatchAsync(422, $"sessions/{id}/cells/{cell}", new { append = "2" });
            Assert.Contains("Nothing was changed", edit.Detail, StringComparison.Ordinal);
            Assert.Contains("LIVEBOOK_MIN_FREE_BYTES", edit.Detail, StringComparison.Ordinal);
            Assert.Equal("1", await server.Api.SourceAsync(id, cell));
        }
    }

    [Fact]
    public async Task Many_large_cookies_of_others_do_not_lock_anybody_out()
    {
        await using var server = await TestServer.StartAsync();
        var cookies = string.Join("; ", Enumerable.Range(0, 8).Select(i => $"other{i}={new string('x', 4000)}"));
        using var response = await server.GetAsync("/api/v1/sessions", (Auth, Bearer), ("Cookie", cookies));
        Assert.Equal(200, (int)response.StatusCode);
    }

    private static async Task<int> UploadAsync(TestServer server, string source)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/ui/upload?name=a.livemd")
        {
            Content = new ByteArrayContent(Encoding.UTF8.GetBytes(source)),
        };
        using var response = await server.SendAsync(request);
        return (int)response.StatusCode;
    }
}
