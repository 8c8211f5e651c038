using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Api;

public sealed class SettingsApiTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private ApiClient Api => shared.Api;

    [Fact]
    public async Task Secrets_are_listed_by_name_shown_on_demand_and_deleted()
    {
        await Api.SendAsync(204, HttpMethod.Put, "settings/secrets/lower_case", new { value = "hush" }, []);

        var settings = await Api.GetAsync(200, "settings");
        Assert.DoesNotContain("hush", settings.Text, StringComparison.Ordinal);
        Assert.Contains(settings.Json.GetProperty("secrets").EnumerateArray(), secret => secret.GetProperty("name").GetString() == "LOWER_CASE");
        Assert.Equal("hush", (await Api.GetAsync(200, "settings/secrets/LOWER_CASE")).Json.GetProperty("value").GetString());

        await Api.DeleteAsync(204, "settings/secrets/LOWER_CASE");
        Assert.Equal("secret-not-found", (await Api.GetAsync(404, "settings/secrets/LOWER_CASE")).Problem);
        Assert.Equal("secret-not-found", (await Api.DeleteAsync(404, "settings/secrets/LOWER_CASE")).Problem);
    }

    [Theory]
    [InlineData("settings/secrets/A-B", "name")]
    [InlineData("settings/environment/LB_NAME", "name")]
    [InlineData("settings/environment/LIVEBOOK_PASSWORD", "name")]
    [InlineData("settings/environment/1A", "name")]
    public async Task Names_that_cannot_be_are_refused(string path, string field)
    {
        var refused = await Api.SendAsync(400, HttpMethod.Put, path, new { value = "x" }, []);

        Assert.Equal([field], refused.Fields);
    }

    [Fact]
    public async Task A_value_must_be_given_and_fit()
    {
        await Api.SendAsync(400, HttpMethod.Put, "settings/secrets/NAME", new { }, []);
        await Api.SendAsync(400, HttpMethod.Put, "settings/secrets/NAME", new { value = "a\0b" }, []);
        await Api.SendAsync(400, HttpMethod.Put, "settings/secrets/NAME", new { value = new string('x', 256 * 1024 + 1) }, []);
    }

    [Fact]
    public async Task Variables_keep_their_spelling_unless_they_are_all_lower_case()
    {
        await Api.SendAsync(204, HttpMethod.Put, "settings/environment/DOTNET_gcServer", new { value = "0" }, []);
        await Api.SendAsync(204, HttpMethod.Put, "settings/environment/tz", new { value = "UTC" }, []);

        var names = (await Api.GetAsync(200, "settings")).Json.GetProperty("environment").EnumerateArray().Select(it => it.GetProperty("name").GetString());
        Assert.Equal(["DOTNET_gcServer", "TZ"], names.Where(name => name is "DOTNET_gcServer" or "TZ" or "tz").Order(StringComparer.Ordinal));
        await Api.DeleteAsync(204, "settings/environment/TZ");
        await Api.DeleteAsync(404, "settings/environment/TZ");
    }

    [Fact]
    public async Task A_key_made_in_the_settings_is_shown_once_and_opens_the_api()
    {
        var made = await Api.PostAsync(201, "settings/api-keys", new { name = "CI" }, key: "make it");
        var key = made.Json.GetProperty("key").GetString()!;
        using var other = new ApiClient(shared.Server.Address, key);

        Assert.DoesNotContain(key, (await other.GetAsync(200, "settings")).Text, StringComparison.Ordinal);
        Assert.Equal(key, (await Api.PostAsync(201, "settings/api-keys", new { name = "CI" }, key: "make it")).Json.GetProperty("key").GetString());
        await Api.DeleteAsync(204, $"settings/api-keys/{made.Json.GetProperty("id").GetString()}");
        await other.GetAsync(401, "settings");
    }

    [Fact]
    public async Task Secrets_of_a_session_are_set_allowed_shown_and_deleted()
    {
        var session = await Api.NewSessionAsync("# Notebook\n\n## Section\n\n```csharp\n1\n```\n");
        await Api.SendAsync(204, HttpMethod.Put, "settings/secrets/SHARED", new { value = "x" }, []);

        await Api.SendAsync(200, HttpMethod.Put, $"sessions/{session}/secrets/OWN", new { value = "mine" }, []);
        await Api.SendAsync(200, HttpMethod.Put, $"sessions/{session}/secrets/SHARED", new { allowed = true }, []);

        var list = await Api.GetAsync(200, $"sessions/{session}/secrets");
        Assert.Equal("""[{"name":"OWN","scope":"session"},{"name":"SHARED","scope":"workspace"}]""", list.Text);
        Assert.Equal("mine", (await Api.GetAsync(200, $"sessions/{session}/secrets/OWN")).Json.GetProperty("value").GetString());
        await Api.SendAsync(400, HttpMethod.Put, $"sessions/{session}/secrets/OWN", new { value = "mine", allowed = true }, []);
        await Api.DeleteAsync(200, $"sessions/{session}/secrets/OWN");
        await Api.GetAsync(404, $"sessions/{session}/secrets/OWN");
    }

    [Fact]
    public async Task Secrets_of_the_servers_start_can_be_used_and_not_changed()
    {
        await using var server = await TestServer.StartAsync(("LB_FROM_START", "given"), ("LB_odd", "no name of a secret"));

        var settings = await server.Api.GetAsync(200, "settings");
        Assert.Equal("""[{"name":"FROM_START","source":"environment"}]""", settings.Json.GetProperty("secrets").ToString());
        await server.Api.SendAsync(422, HttpMethod.Put, "settings/secrets/FROM_START", new { value = "other" }, []);
        Assert.Equal("given", (await server.Api.GetAsync(200, "settings/secrets/FROM_START")).Json.GetProperty("value").GetString());
    }

    [Fact]
    public async Task Settings_survive_a_restart_also_with_a_new_secret_and_are_in_no_file()
    {
        const string Canary = "canary-0123456789-canary";
        using var data = new TemporaryFolder();
        var (first, second) = (("LIVEBOOK_SECRET_KEY_BASE", new string('1', 64)), ("LIVEBOOK_SECRET_KEY_BASE", new string('2', 64)));
        string session;
        await using (var server = await TestServer.StartOnAsync(data, first))
        {
            await server.Api.SendAsync(204, HttpMethod.Put, "settings/secrets/KEPT", new { value = Canary }, []);
            session = await server.Api.NewSessionAsync("# Notebook\n");
            await server.Api.SendAsync(200, HttpMethod.Put, $"sessions/{session}/secrets/OWN", new { value = Canary }, []);
        }
        await using (var server = await TestServer.StartOnAsync(data, second, ("LIVEBOOK_SECRET_KEY_BASE_PREVIOUS", first.Item2)))
            Assert.Equal(Canary, (await server.Api.GetAsync(200, "settings/secrets/KEPT")).Json.GetProperty("value").GetString());
        await using (var server = await TestServer.StartOnAsync(data, second))
        {
            Assert.Equal(Canary, (await server.Api.GetAsync(200, "settings/secrets/KEPT")).Json.GetProperty("value").GetString());
            Assert.Equal(Canary, (await server.Api.GetAsync(200, $"sessions/{session}/secrets/OWN")).Json.GetProperty("value").GetString());
        }
        var files = Directory.EnumerateFiles(data.Path, "*", SearchOption.AllDirectories).ToList();
        Assert.Contains(data.PathOf("settings"), files);
        Assert.DoesNotContain(files, file => System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(file)).Contains(Canary, StringComparison.Ordinal));
    }
}
