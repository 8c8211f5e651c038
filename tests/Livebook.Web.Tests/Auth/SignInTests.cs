using System.Net;
using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Auth;

public sealed class SignInTests
{
    private const string Password = "a password of the tests";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_token_in_the_address_signs_in_and_leaves_the_address()
    {
        await using var server = await TestServer.StartAsync();
        using var response = await server.GetAsync($"/sessions/abc?token={server.Token}&line=3");
        Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
        Assert.Equal("/sessions/abc?line=3", response.Headers.Location!.ToString());
        var cookie = Assert.Single(response.Headers.GetValues("Set-Cookie"));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=lax", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(server.Token!, cookie, StringComparison.Ordinal);
        Assert.True(await IsSignedInAsync(server, Cookie(response)));
    }

    [Theory]
    [InlineData("wrong")]
    [InlineData("")]
    public async Task A_wrong_token_leads_to_the_form(string token)
    {
        await using var server = await TestServer.StartAsync();
        using var response = await server.GetAsync($"/sessions/abc?token={token}&line=3");
        Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
        Assert.StartsWith("/authenticate?error=", response.Headers.Location!.ToString(), StringComparison.Ordinal);
        Assert.EndsWith($"redirect_to={Uri.EscapeDataString("/sessions/abc?line=3")}", response.Headers.Location.ToString(), StringComparison.Ordinal);
        Assert.False(response.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task Who_is_signed_in_stays_so_with_an_old_token_in_the_address()
    {
        await using var server = await TestServer.StartAsync();
        using var first = await server.GetAsync($"/?token={server.Token}");
        using var response = await server.GetAsync("/sessions/abc?token=old", ("Cookie", Cookie(first)));
        Assert.Equal("/sessions/abc", response.Headers.Location!.ToString());
    }

    [Fact]
    public async Task A_page_asks_to_sign_in_and_remembers_where_to_go()
    {
        await using var server = await TestServer.StartAsync();
        using var page = await server.GetAsync("/sessions/abc?line=3", ("Accept", "text/html"));
        Assert.Equal($"/authenticate?redirect_to={Uri.EscapeDataString("/sessions/abc?line=3")}", page.Headers.Location!.ToString());
        using var form = await server.GetAsync(page.Headers.Location.ToString(), ("Accept", "text/html"));
        Assert.Equal(HttpStatusCode.OK, form.StatusCode);
        using var data = await server.GetAsync("/ui/files");
        Assert.Equal(HttpStatusCode.Unauthorized, data.StatusCode);
    }

    [Fact]
    public async Task The_form_takes_the_token_and_goes_on_to_where_one_wanted_to_be()
    {
        await using var server = await TestServer.StartAsync();
        using var wrong = await PostAsync(server, "/authenticate", ("token", "wrong"), ("redirect_to", "/sessions/abc"));
        Assert.StartsWith("/authenticate?error=", wrong.Headers.Location!.ToString(), StringComparison.Ordinal);
        using var right = await PostAsync(server, "/authenticate", ("token", server.Token!), ("redirect_to", "/sessions/abc"));
        Assert.Equal("/sessions/abc", right.Headers.Location!.ToString());
        Assert.True(await IsSignedInAsync(server, Cookie(right)));
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example/")]
    [InlineData("/\\evil.example/")]
    [InlineData("\\\\evil.example")]
    [InlineData("/a\r\nSet-Cookie: a=b")]
    [InlineData("javascript:alert(1)")]
    [InlineData("")]
    public async Task Nobody_is_sent_to_another_site(string target)
    {
        await using var server = await TestServer.StartAsync();
        using var response = await PostAsync(server, "/authenticate", ("token", server.Token!), ("redirect_to", target));
        Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
        Assert.Equal("/", response.Headers.Location!.ToString());
    }

    [Fact]
    public async Task A_path_that_looks_like_another_site_is_no_way_out_either()
    {
        await using var server = await TestServer.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{server.Address.ToString().TrimEnd('/')}//evil.example/?token={server.Token}"));
        using var response = await server.SendAsync(request);
        Assert.DoesNotMatch("^(//|/\\\\|https?://evil)", response.Headers.Location!.ToString());
    }

    [Fact]
    public async Task The_form_takes_the_password()
    {
        await using var server = await TestServer.StartAsync(("LIVEBOOK_PASSWORD", Password));
        using var wrong = await PostAsync(server, "/authenticate", ("password", "another password"));
        Assert.StartsWith("/authenticate?error=", wrong.Headers.Location!.ToString(), StringComparison.Ordinal);
        using var right = await PostAsync(server, "/authenticate", ("password", Password));
        Assert.Equal("/", right.Headers.Location!.ToString());
        Assert.True(await IsSignedInAsync(server, Cookie(right)));
        Assert.DoesNotContain(Password, Cookie(right), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_form_of_another_site_is_refused()
    {
        await using var server = await TestServer.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/authenticate") { Content = new FormUrlEncodedContent([new("token", server.Token!)]) };
        using var response = await server.SendAsync(request, ("Origin", "https://evil.example"));
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Fact]
    public async Task Without_sign_in_everybody_is_in()
    {
        await using var server = await TestServer.StartAsync(("LIVEBOOK_TOKEN_ENABLED", "false"));
        Assert.Null(server.Token);
        using var page = await server.GetAsync("/", ("Accept", "text/html"));
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.True(await IsSignedInAsync(server, ""));
    }

    [Fact]
    public async Task A_cookie_and_the_token_hold_after_a_restart_on_the_same_data()
    {
        using var data = new TemporaryFolder();
        string cookie,
            token;
        await using (var server = await TestServer.StartOnAsync(data, ("LIVEBOOK_PORT", "0")))
        {
            token = server.Token!;
            using var response = await server.GetAsync($"/?token={token}", ("Host", "livebook.example"));
            cookie = Cookie(response);
        }
        await using (var server = await TestServer.StartOnAsync(data))
        {
            Assert.Equal(token, server.Token);
            Assert.True(await IsSignedInAsync(server, cookie, "livebook.example"));
        }
        await using (var other = await TestServer.StartAsync())
        {
            Assert.NotEqual(token, other.Token);
            Assert.False(await IsSignedInAsync(other, cookie, "livebook.example"));
        }
    }

    [Fact]
    public async Task The_same_secret_means_the_same_token_and_cookies_on_every_node()
    {
        var secret = new string('s', 64);
        await using var one = await TestServer.StartAsync(("LIVEBOOK_SECRET_KEY_BASE", secret));
        await using var two = await TestServer.StartAsync(("LIVEBOOK_SECRET_KEY_BASE", secret));
        Assert.Equal(one.Token, two.Token);
        using var response = await one.GetAsync($"/?token={one.Token}", ("Host", "livebook.example"));
        Assert.True(await IsSignedInAsync(two, Cookie(response), "livebook.example"));
    }

    [Fact]
    public async Task Another_password_ends_every_cookie()
    {
        using var data = new TemporaryFolder();
        string cookie;
        await using (var server = await TestServer.StartOnAsync(data, ("LIVEBOOK_PASSWORD", Password)))
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/authenticate") { Content = new FormUrlEncodedContent([new("password", Password)]) };
            using var response = await server.SendAsync(request, ("Host", "livebook.example"));
            cookie = Cookie(response);
            Assert.True(await IsSignedInAsync(server, cookie, "livebook.example"));
        }
        await using (var server = await TestServer.StartOnAsync(data, ("LIVEBOOK_PASSWORD", "another password")))
            Assert.False(await IsSignedInAsync(server, cookie, "livebook.example"));
        await using (var server = await TestServer.StartOnAsync(data))
            Assert.False(await IsSignedInAsync(server, cookie, "livebook.example"));
    }

    [Fact]
    public async Task A_cookie_that_was_changed_is_worth_nothing()
    {
        await using var server = await TestServer.StartAsync();
        using var response = await server.GetAsync($"/?token={server.Token}");
        var cookie = Cookie(response);
        var value = cookie.Split('=')[1].Split('.');
        var later = (long.Parse(value[0], System.Globalization.CultureInfo.InvariantCulture) + 1).ToString(System.Globalization.CultureInfo.InvariantCulture);
        foreach (var forged in new[] { $"{later}.{value[1]}", $"{value[0]}.{new string('0', 64)}", value[0], $"{value[0]}.", ".", "a.b.c" })
            Assert.False(await IsSignedInAsync(server, $"{cookie.Split('=')[0]}={forged}"));
    }

    [Fact]
    public async Task Signing_out_takes_the_cookie_back()
    {
        await using var server = await TestServer.StartAsync();
        using var response = await server.GetAsync($"/?token={server.Token}");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/logout");
        using var left = await server.SendAsync(request, ("Cookie", Cookie(response)));
        Assert.Equal("/authenticate", left.Headers.Location!.ToString());
        Assert.Contains("expires=Thu, 01 Jan 1970", Assert.Single(left.Headers.GetValues("Set-Cookie")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Guessing_at_the_form_and_in_the_address_is_slowed_down()
    {
        await using var server = await TestServer.StartAsync();
        for (var i = 0; i < 10; i++)
        {
            using var form = await PostAsync(server, "/authenticate", ("token", $"guess {i}"));
            using var address = await server.GetAsync($"/?token=guess{i}");
        }
        using var response = await PostAsync(server, "/authenticate", ("token", server.Token!));
        Assert.Contains("Too%20many%20attempts", response.Headers.Location!.ToString(), StringComparison.Ordinal);
        using var right = await server.GetAsync($"/?token={server.Token}");
        Assert.False(right.Headers.Contains("Set-Cookie"));
    }

    private static string Cookie(HttpResponseMessage response) => response.Headers.GetValues("Set-Cookie").Single().Split(';')[0];

    private static async Task<bool> IsSignedInAsync(TestServer server, string cookie, string? host = null)
    {
        using var response = await server.GetAsync("/ui/session", host is null ? [("Cookie", cookie)] : [("Cookie", cookie), ("Host", host)]);
        return response.StatusCode == HttpStatusCode.NoContent;
    }

    private static async Task<HttpResponseMessage> PostAsync(TestServer server, string path, params (string Name, string Value)[] fields)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new FormUrlEncodedContent(fields.Select(field => new KeyValuePair<string, string>(field.Name, field.Value))),
        };
        return await server.Browser.SendAsync(request, Stop);
    }
}
