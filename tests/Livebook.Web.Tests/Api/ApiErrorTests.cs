using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Api;

public sealed class ApiErrorTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private readonly ApiClient _api = shared.Api;

    [Theory]
    [InlineData("GET", "sessions/nosuchsession1234567")]
    [InlineData("DELETE", "sessions/nosuchsession1234567")]
    [InlineData("GET", "sessions/nosuchsession1234567/notebook")]
    [InlineData("GET", "sessions/nosuchsession1234567/cells/some-cell")]
    public async Task A_session_that_is_not_there_is_not_found(string method, string path)
    {
        var answer = await _api.SendAsync(404, new HttpMethod(method), path, null, []);
        Assert.Equal("session-not-found", answer.Problem);
        Assert.Equal("application/problem+json", answer.ContentType);
        Assert.Equal(404, answer.Json.GetProperty("status").GetInt32());
        Assert.Equal("Not Found", answer.Json.GetProperty("title").GetString());
        Assert.Contains("nosuchsession1234567", answer.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "nothing")]
    [InlineData("POST", "sessions/x/nothing")]
    [InlineData("PUT", "sessions")]
    public async Task An_address_that_is_not_there_is_a_problem_too(string method, string path) =>
        Assert.Equal("no-such-address", (await _api.SendAsync(404, new HttpMethod(method), path, null, [])).Problem);

    [Theory]
    [InlineData("sessions", "{", "body")]
    [InlineData("sessions", "", "body")]
    [InlineData("sessions", "null", "body")]
    [InlineData("sessions", "[]", "body")]
    [InlineData("sessions", """{ "name": 1 }""", "name")]
    [InlineData("sessions", """{ "nmae": "Plans" }""", "nmae")]
    [InlineData("sessions", """{ "file": "/a.livemd", "source": "" }""", "file")]
    [InlineData("sessions", """{ "source": "", "format": "docx" }""", "format")]
    public async Task A_malformed_body_names_the_field(string path, string body, string field)
    {
        var answer = await _api.PostAsync(400, path, body);
        Assert.Equal("bad-request", answer.Problem);
        Assert.Equal([field], answer.Fields);
    }

    [Fact]
    public async Task A_cell_of_an_unknown_kind_names_the_field()
    {
        var id = await _api.NewSessionAsync("# Cells\n\n## One\n");
        Assert.Equal(["kind"], (await _api.PostAsync(400, $"sessions/{id}/cells", new { kind = "smart", source = "" })).Fields);
        Assert.Equal("refused", (await _api.PostAsync(422, $"sessions/{id}/cells", new { source = "", section = "no-such-section" })).Problem);
    }

    [Fact]
    public async Task What_is_no_notebook_is_refused_with_the_reason()
    {
        var answer = await _api.PostAsync(422, "sessions", new { source = "{ \"nbformat\": 3 }", format = "ipynb" });
        Assert.Equal("not-a-notebook", answer.Problem);
        Assert.Contains("nbconvert", answer.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_not_there_or_cannot_be_read_is_refused()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal("file-not-found", (await _api.PostAsync(404, "sessions", new { file = folder.PathOf("no.livemd") })).Problem);
        await _api.PostAsync(422, "sessions", new { file = folder.Path });
    }

    [Fact]
    public async Task Any_content_type_is_read_as_JSON()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/sessions") { Content = new StringContent("""{ "name": "Plans" }""") };
        using var response = await shared.Server.SendAsync(request, ("Authorization", $"Bearer {TestServer.ApiKey}"));
        Assert.Equal(201, (int)response.StatusCode);
    }
}
