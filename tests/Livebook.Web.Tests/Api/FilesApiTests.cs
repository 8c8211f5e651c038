using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Api;

/// <summary>Files kept with notebooks, on a lone server.</summary>
public sealed class FilesApiTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private readonly ApiClient _api = shared.Api;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, byte[]? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, $"/api/v1/{path}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestServer.ApiKey);
        if (body is not null)
            request.Content = new ByteArrayContent(body);
        return await shared.Server.SendAsync(request, headers);
    }

    private async Task<byte[]> BytesAsync(int status, string path, params (string Name, string Value)[] headers)
    {
        using var response = await SendAsync(HttpMethod.Get, path, null, headers);
        Assert.Equal(status, (int)response.StatusCode);
        return await response.Content.ReadAsByteArrayAsync(Stop);
    }

    [Fact]
    public async Task A_file_is_stored_listed_read_renamed_and_deleted()
    {
        var id = await _api.NewSessionAsync("# Files\n");
        var content = RandomNumberGenerator.GetBytes(700_000);
        var hash = Convert.ToHexStringLower(SHA256.HashData(content));
        using (var put = await SendAsync(HttpMethod.Put, $"sessions/{id}/files/data.bin", content))
            Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        using (var again = await SendAsync(HttpMethod.Put, $"sessions/{id}/files/data.bin", content))
            Assert.Equal(HttpStatusCode.OK, again.StatusCode);

        var listed = Assert.Single((await _api.GetAsync(200, $"sessions/{id}/files")).Json.EnumerateArray());
        Assert.Equal((700_000, hash), (listed.GetProperty("size").GetInt64(), listed.GetProperty("hash").GetString()));
        Assert.Equal(content, await BytesAsync(200, $"sessions/{id}/files/data.bin"));
        Assert.Contains(
            "\"file_entries\":[{\"name\":\"data.bin\",\"type\":\"attachment\"}]",
            (await _api.GetAsync(200, $"sessions/{id}/notebook?format=livemd")).Text,
            StringComparison.Ordinal
        );

        await _api.PatchAsync(200, $"sessions/{id}/files/data.bin", new { name = "other.bin" });
        Assert.Equal("file-not-found", (await _api.GetAsync(404, $"sessions/{id}/files/data.bin")).Problem);
        Assert.Equal(content, await BytesAsync(200, $"sessions/{id}/files/other.bin"));
        await _api.DeleteAsync(200, $"sessions/{id}/files/other.bin");
        Assert.Empty((await _api.GetAsync(200, $"sessions/{id}/files")).Json.EnumerateArray());
        Assert.DoesNotContain("file_entries", (await _api.GetAsync(200, $"sessions/{id}/notebook?format=livemd")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ranges_are_answered_as_a_player_expects()
    {
        var id = await _api.NewSessionAsync("# Ranges\n");
        var content = RandomNumberGenerator.GetBytes(500_000);
        var path = $"sessions/{id}/files/sound.wav";
        using (await SendAsync(HttpMethod.Put, path, content)) { }
        using var whole = await SendAsync(HttpMethod.Get, path);
        var tag = whole.Headers.ETag!.ToString();
        Assert.Equal("bytes", whole.Headers.AcceptRanges.Single());
        Assert.Equal("audio/wav", whole.Content.Headers.ContentType!.MediaType);
        Assert.Equal("nosniff", whole.Headers.GetValues("X-Content-Type-Options").Single());

        Assert.Equal(content[..10], await BytesAsync(206, path, ("Range", "bytes=0-9")));
        Assert.Equal(content[300_000..], await BytesAsync(206, path, ("Range", "bytes=300000-")));
        Assert.Equal(content[^7..], await BytesAsync(206, path, ("Range", "bytes=-7")));
        Assert.Equal(content[..10], await BytesAsync(206, path, ("Range", "bytes=0-9"), ("If-Range", tag)));
        Assert.Equal(content, await BytesAsync(200, path, ("Range", "bytes=0-9"), ("If-Range", "\"another\"")));
        Assert.Empty(await BytesAsync(304, path, ("If-None-Match", tag)));
        using var outside = await SendAsync(HttpMethod.Get, path, null, ("Range", "bytes=500000-"));
        Assert.Equal((HttpStatusCode.RequestedRangeNotSatisfiable, 500_000), (outside.StatusCode, outside.Content.Headers.ContentRange!.Length));
        using var head = await SendAsync(HttpMethod.Head, path);
        Assert.Equal((HttpStatusCode.OK, 500_000L), (head.StatusCode, head.Content.Headers.ContentLength));
    }

    [Theory]
    [InlineData("..%2f..%2fsecret_key_base")]
    [InlineData("%2e%2e%2fa.txt")]
    [InlineData(".hidden.txt")]
    [InlineData("a%00b.txt")]
    [InlineData("a%0ab.txt")]
    [InlineData("no-extension")]
    [InlineData("sp%20ace.txt")]
    [InlineData("-rf.txt")]
    [InlineData("%C3%BCmlaut.txt")]
    public async Task A_hostile_name_is_refused_and_nothing_is_written(string name)
    {
        var id = await _api.NewSessionAsync("# Names\n");
        using var put = await SendAsync(HttpMethod.Put, $"sessions/{id}/files/{name}", "x"u8.ToArray());
        Assert.InRange((int)put.StatusCode, 400, 404);
        Assert.Empty((await _api.GetAsync(200, $"sessions/{id}/files")).Json.EnumerateArray());
        using var get = await SendAsync(HttpMethod.Get, $"sessions/{id}/files/{name}");
        Assert.InRange((int)get.StatusCode, 400, 404);
    }

    [Fact]
    public async Task What_is_uploaded_is_never_a_page_of_this_server()
    {
        await using var server = await TestServer.StartAsync(("LIVEBOOK_TOKEN_ENABLED", "false"));
        var id = await server.Api.NewSessionAsync("# Page\n");
        foreach (var name in new[] { "page.html", "picture.svg" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Put, $"/ui/sessions/{id}/files/{name}") { Content = new StringContent("<script>1</script>") };
            Assert.Equal(HttpStatusCode.Created, (await server.SendAsync(request)).StatusCode);
        }
        using var page = await server.GetAsync($"/sessions/{id}/files/page.html");
        Assert.Equal("attachment", page.Content.Headers.ContentDisposition!.DispositionType);
        using var picture = await server.GetAsync($"/sessions/{id}/files/picture.svg");
        Assert.Equal("image/svg+xml", picture.Content.Headers.ContentType!.MediaType);
        Assert.StartsWith("sandbox; default-src 'none'", picture.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);

        using var foreign = new HttpRequestMessage(HttpMethod.Put, $"/ui/sessions/{id}/files/x.txt") { Content = new StringContent("x") };
        Assert.Equal(HttpStatusCode.Forbidden, (await server.SendAsync(foreign, ("Origin", "http://elsewhere.example"))).StatusCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_over_the_limit_is_refused_with_the_name_of_the_limit(bool announced)
    {
        await using var server = await TestServer.StartAsync(("LIVEBOOK_UPLOAD_LIMIT_BYTES", "300000"));
        var id = await server.Api.NewSessionAsync("# Limit\n");
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/sessions/{id}/files/large.bin");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestServer.ApiKey);
        request.Content = new ByteArrayContent(new byte[300_001]);
        request.Headers.TransferEncodingChunked = !announced;
        using var response = await server.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Contains("LIVEBOOK_UPLOAD_LIMIT_BYTES", await response.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
        Assert.Empty((await server.Api.GetAsync(200, $"sessions/{id}/files")).Json.EnumerateArray());
    }

    [Fact]
    public async Task With_too_little_room_on_the_disk_no_file_is_taken()
    {
        using var data = new TemporaryFolder();
        string id;
        await using (var first = await TestServer.StartOnAsync(data))
            id = await first.Api.NewSessionAsync("# Full\n");
        await using var server = await TestServer.StartOnAsync(
            data,
            ("LIVEBOOK_MIN_FREE_BYTES", (1L << 40).ToString(System.Globalization.CultureInfo.InvariantCulture))
        );
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/sessions/{id}/files/a.txt") { Content = new StringContent("a") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestServer.ApiKey);
        using var response = await server.SendAsync(request);
        Assert.Equal(507, (int)response.StatusCode);
        Assert.Contains("LIVEBOOK_MIN_FREE_BYTES", await response.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_lie_beside_the_notebook_and_come_in_from_there()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(Path.Combine(folder.Path, "files"));
        File.WriteAllText(Path.Combine(folder.Path, "files", "old.txt"), "old");
        File.WriteAllText(Path.Combine(folder.Path, "files", "mine.txt"), "not listed");
        var file = folder.Write("book.livemd", "<!-- livebook:{\"file_entries\":[{\"name\":\"old.txt\",\"type\":\"attachment\"}]} -->\n\n# Book\n");
        var id = (await _api.PostAsync(201, "sessions", new { file })).Json.GetProperty("id").GetString();
        await _api.UntilAsync($"sessions/{id}/files", files => files.GetArrayLength() == 1);
        Assert.Equal("old", Encoding.UTF8.GetString(await BytesAsync(200, $"sessions/{id}/files/old.txt")));

        using (await SendAsync(HttpMethod.Put, $"sessions/{id}/files/new.txt", "new"u8.ToArray())) { }
        Assert.Equal("new", File.ReadAllText(Path.Combine(folder.Path, "files", "new.txt")));
        // Nobody's file is lost to a name that was taken.
        using (await SendAsync(HttpMethod.Put, $"sessions/{id}/files/mine.txt", "theirs"u8.ToArray())) { }
        Assert.Equal("theirs", File.ReadAllText(Path.Combine(folder.Path, "files", "mine.txt")));
        Assert.Equal("not listed", File.ReadAllText(Directory.GetFiles(Path.Combine(folder.Path, "files"), "mine.txt.*.kept").Single()));

        await _api.DeleteAsync(200, $"sessions/{id}/files/new.txt");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        while (File.Exists(Path.Combine(folder.Path, "files", "new.txt")))
            await Task.Delay(20, limit.Token);
    }

    [Fact]
    public async Task A_fork_has_the_files_too()
    {
        await using var server = await TestServer.StartAsync(("LIVEBOOK_TOKEN_ENABLED", "false"));
        var id = await server.Api.NewSessionAsync("# Forked\n");
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/ui/sessions/{id}/files/a.txt") { Content = new StringContent("content") };
        await server.SendAsync(request);
        using var fork = await server.SendAsync(new HttpRequestMessage(HttpMethod.Post, $"/ui/sessions/{id}/fork"));
        var forked = System.Text.Json.JsonDocument.Parse(await fork.Content.ReadAsStringAsync(Stop)).RootElement.GetProperty("id").GetString();
        Assert.NotEqual(id, forked);
        Assert.Equal("content", await (await server.GetAsync($"/sessions/{forked}/files/a.txt")).Content.ReadAsStringAsync(Stop));
    }
}
