using System.Net;
using System.Text.Json;
using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Hosting;

/// <summary>Where the server believes it is: base paths, proxies, the redirect to https, and what is always open.</summary>
public sealed class AddressTests
{
    private const string Bearer = $"Bearer {TestServer.ApiKey}";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Health_is_exactly_that_for_everybody()
    {
        await using var server = await TestServer.StartAsync();
        using var response = await server.GetAsync("/public/health");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("{\"application\":\"livebook\"}", await response.Content.ReadAsStringAsync(Stop));
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("*", response.Headers.GetValues("Access-Control-Allow-Origin").Single());
        foreach (var path in new[] { "/live", "/ready" })
        {
            using var probe = await server.GetAsync(path);
            Assert.Equal(HttpStatusCode.OK, probe.StatusCode);
        }
    }

    [Fact]
    public async Task Every_answer_is_careful()
    {
        await using var server = await TestServer.StartAsync();
        foreach (var path in new[] { "/public/health", "/authenticate", "/api/v1/sessions", "/no-such-page" })
        {
            using var response = await server.GetAsync(path);
            Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.Contains("frame-ancestors 'self'", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
            Assert.False(response.Headers.Contains("Server"));
        }
    }

    [Fact]
    public async Task A_base_path_is_in_front_of_everything()
    {
        await using var server = await TestServer.StartAsync(("LIVEBOOK_BASE_URL_PATH", "/note/books/"));
        foreach (
            var (path, status) in new[]
            {
                ("/note/books/public/health", 200),
                ("/public/health", 404),
                ("/note/books/authenticate", 200),
                ("/authenticate", 404),
                ("/note", 404),
            }
        )
            Assert.Equal((path, status), (path, await StatusAsync(server, path)));
        // Probes ask the node, not the site.
        Assert.Equal(200, await StatusAsync(server, "/live"));
        Assert.Equal(200, await StatusAsync(server, "/note/books/ready"));

        using var page = await server.GetAsync("/note/books/sessions/abc", ("Accept", "text/html"));
        Assert.Equal("/note/books/authenticate?redirect_to=%2Fnote%2Fbooks%2Fsessions%2Fabc", page.Headers.Location!.ToString());
        using var signedIn = await server.GetAsync($"/note/books/sessions/abc?token={server.Token}");
        Assert.Equal("/note/books/sessions/abc", signedIn.Headers.Location!.ToString());
        Assert.Contains("path=/note/books", signedIn.Headers.GetValues("Set-Cookie").Single(), StringComparison.Ordinal);
        Assert.Equal(new Uri(server.Address, "/note/books/sessions/").ToString(), (await MadeUrlAsync(server, "/note/books"))[..^20]);
    }

    [Fact]
    public async Task Public_addresses_can_have_a_base_path_of_their_own()
    {
        await using var server = await TestServer.StartAsync(("LIVEBOOK_BASE_URL_PATH", "/books"), ("LIVEBOOK_PUBLIC_BASE_URL_PATH", "/open"));
        Assert.Equal(200, await StatusAsync(server, "/open/public/health"));
        Assert.Equal(404, await StatusAsync(server, "/public/health"));
        Assert.Equal(404, await StatusAsync(server, "/open/authenticate"));
        Assert.Equal(200, await StatusAsync(server, "/books/authenticate"));
    }

    [Fact]
    public async Task Headers_of_a_proxy_count_only_when_they_are_listed()
    {
        (string, string)[] headers = [("X-Forwarded-Host", "books.example"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "8443")];
        await using (var server = await TestServer.StartAsync())
            Assert.StartsWith(server.Address.ToString(), await MadeUrlAsync(server, "", headers), StringComparison.Ordinal);
        await using (var server = await TestServer.StartAsync(("LIVEBOOK_PROXY_HEADERS", "x-forwarded-host, X-Forwarded-Proto")))
            Assert.StartsWith("https://books.example/sessions/", await MadeUrlAsync(server, "", headers), StringComparison.Ordinal);
        await using (var server = await TestServer.StartAsync(("LIVEBOOK_PROXY_HEADERS", "x-forwarded-host,x-forwarded-proto,x-forwarded-port")))
        {
            Assert.StartsWith("https://books.example:8443/sessions/", await MadeUrlAsync(server, "", headers), StringComparison.Ordinal);
            using var signedIn = await server.GetAsync($"/?token={server.Token}", headers);
            Assert.Contains("secure", signedIn.Headers.GetValues("Set-Cookie").Single(), StringComparison.Ordinal);
            Assert.StartsWith("livebook_session_8443=", signedIn.Headers.GetValues("Set-Cookie").Single(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Guesses_are_counted_by_the_address_that_the_proxy_names()
    {
        await using var server = await TestServer.StartAsync(("LIVEBOOK_PROXY_HEADERS", "x-forwarded-for"));
        for (var i = 0; i < 20; i++)
        {
            using var guess = await server.GetAsync("/api/v1/sessions", ("Authorization", "Bearer wrong"), ("X-Forwarded-For", "203.0.113.5"));
        }
        using var refused = await server.GetAsync("/api/v1/sessions", ("Authorization", Bearer), ("X-Forwarded-For", "203.0.113.5"));
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        using var other = await server.GetAsync("/api/v1/sessions", ("Authorization", Bearer), ("X-Forwarded-For", "203.0.113.6"));
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
    }

    [Fact]
    public async Task Browsers_are_sent_to_the_https_host_but_probes_and_this_machine_are_not()
    {
        await using var server = await TestServer.StartAsync(("LIVEBOOK_FORCE_SSL_HOST", "books.example"), ("LIVEBOOK_PROXY_HEADERS", "x-forwarded-proto"));
        using var redirected = await server.GetAsync("/sessions/abc?line=3", ("Host", "other.example"));
        Assert.Equal(HttpStatusCode.PermanentRedirect, redirected.StatusCode);
        Assert.Equal("https://books.example/sessions/abc?line=3", redirected.Headers.Location!.ToString());
        Assert.Equal(308, await StatusAsync(server, "/authenticate", ("Host", "books.example")));
        Assert.Equal(200, await StatusAsync(server, "/authenticate", ("Host", "books.example"), ("X-Forwarded-Proto", "https")));
        Assert.Equal(200, await StatusAsync(server, "/authenticate", ("Host", "localhost:8080")));
        Assert.Equal(200, await StatusAsync(server, "/authenticate"));
        foreach (var path in new[] { "/live", "/ready", "/public/health" })
            Assert.Equal(200, await StatusAsync(server, path, ("Host", "10.0.0.7")));
    }

    private static async Task<int> StatusAsync(TestServer server, string path, params (string Name, string Value)[] headers)
    {
        using var response = await server.GetAsync(path, headers);
        return (int)response.StatusCode;
    }

    private static async Task<string> MadeUrlAsync(TestServer server, string basePath, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{basePath}/api/v1/sessions") { Content = new StringContent("{}") };
        using var response = await server.SendAsync(request, [("Authorization", Bearer), .. headers]);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync(Stop)).RootElement.GetProperty("url").GetString()!;
    }
}
