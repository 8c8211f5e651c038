using System.Net;
using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Api;

public sealed class ApiAccessTests
{
    private const string Password = "a password of the tests";

    [Fact]
    public async Task The_token_the_API_key_and_nothing_else_open_the_API()
    {
        await using var server = await TestServer.StartAsync();
        Assert.Equal(HttpStatusCode.OK, await AskAsync(server, $"Bearer {server.Token}"));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(server, $"bearer {TestServer.ApiKey}"));
        foreach (var wrong in new[] { $"Bearer {server.Token}x", "Bearer ", "Bearer", "Basic dXNlcjpwYXNz", TestServer.ApiKey })
            Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(server, wrong));
    }

    [Fact]
    public async Task The_password_opens_the_API()
    {
        await using var server = await TestServer.StartAsync(("LIVEBOOK_PASSWORD", Password));
        Assert.Null(server.Token);
        Assert.Equal(HttpStatusCode.OK, await AskAsync(server, $"Bearer {Password}"));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(server, "Bearer another password"));
    }

    [Fact]
    public async Task Who_has_no_key_is_told_how_to_bring_one()
    {
        await using var server = await TestServer.StartAsync();
        using var response = await server.GetAsync("/api/v1/sessions");
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("Bearer realm=\"livebook\"", response.Headers.WwwAuthenticate.ToString());
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("urn:livebook:unauthorized", body, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Token!, body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cookie_or_a_token_in_the_address_opens_no_API()
    {
        await using var server = await TestServer.StartAsync();
        using var signedIn = await server.GetAsync($"/?token={server.Token}");
        var cookie = signedIn.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        using var page = await server.GetAsync("/", ("Cookie", cookie));
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        using var api = await server.GetAsync("/api/v1/sessions", ("Cookie", cookie));
        Assert.Equal(HttpStatusCode.Unauthorized, api.StatusCode);
        using var address = await server.GetAsync($"/api/v1/sessions?token={server.Token}");
        Assert.Equal(HttpStatusCode.Unauthorized, address.StatusCode);
    }

    [Fact]
    public async Task Without_sign_in_programs_need_no_key_but_pages_of_other_sites_are_kept_out()
    {
        await using var server = await TestServer.StartAsync(("LIVEBOOK_TOKEN_ENABLED", "false"));
        using var program = await server.GetAsync("/api/v1/sessions");
        Assert.Equal(HttpStatusCode.OK, program.StatusCode);
        using var site = await server.GetAsync("/api/v1/sessions", ("Origin", "https://evil.example"));
        Assert.Equal(HttpStatusCode.Unauthorized, site.StatusCode);
    }

    [Fact]
    public async Task Guessing_is_slowed_down()
    {
        await using var server = await TestServer.StartAsync();
        for (var i = 0; i < 20; i++)
            Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(server, $"Bearer guess {i}"));
        using var refused = await server.GetAsync("/api/v1/sessions", ("Authorization", "Bearer another guess"));
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        Assert.Contains(
            "urn:livebook:too-many-failures",
            await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            StringComparison.Ordinal
        );
        // Nobody learns from the answer whether a guess was right.
        Assert.Equal(HttpStatusCode.TooManyRequests, await AskAsync(server, $"Bearer {server.Token}"));
    }

    [Fact]
    public async Task Requests_without_any_key_do_not_count_as_guesses()
    {
        await using var server = await TestServer.StartAsync();
        for (var i = 0; i < 30; i++)
        {
            using var response = await server.GetAsync("/api/v1/sessions");
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        }
        Assert.Equal(HttpStatusCode.OK, await AskAsync(server, $"Bearer {server.Token}"));
    }

    private static async Task<HttpStatusCode> AskAsync(TestServer server, string authorization)
    {
        using var response = await server.GetAsync("/api/v1/sessions", ("Authorization", authorization));
        return response.StatusCode;
    }
}
