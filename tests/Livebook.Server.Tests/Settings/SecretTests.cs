using Livebook.Core.Sessions;
using Livebook.Protocol;
using Livebook.Server.Tests.Sessions;

namespace Livebook.Server.Tests.Settings;

/// <summary>What code gets to see of secrets and variables (X1, X2, R8).</summary>
public sealed class SecretTests
{
    private static CancellationToken Stop => TestServer.Stop;

    [Fact]
    public async Task Code_gets_a_secret_of_the_workspace_only_where_a_user_allowed_it()
    {
        await using var server = await TestServer.StartAsync();
        await server.Server.Settings.SetSecretAsync("TOKEN", "one", Stop);
        await server.Server.Settings.SetVariableAsync("TZ", "Europe/Berlin", Stop);
        var (allowed, other) = (await server.CreateAsync("say done"), await server.CreateAsync("say done"));
        await server.AcceptAsync(allowed, new ClientOperation.AllowSecret("TOKEN", true));

        await server.EvaluateAsync(allowed);
        await server.EvaluateAsync(other);

        Assert.Equal("LB_TOKEN=one TZ=Europe/Berlin", Variables(server, 0));
        Assert.Equal("TZ=Europe/Berlin", Variables(server, 1));
    }

    [Fact]
    public async Task A_running_runtime_gets_every_change_in_front_of_the_next_evaluation()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync("say done");
        await server.EvaluateAsync(id);

        await server.Server.Settings.SetSecretAsync("TOKEN", "one", Stop);
        await server.AcceptAsync(id, new ClientOperation.AllowSecret("TOKEN", true));
        await server.EvaluateAsync(id);
        Assert.Equal("LB_TOKEN=one", Variables(server, 0));

        await server.Server.Settings.SetSecretAsync("TOKEN", "two", Stop);
        await server.EvaluateAsync(id);
        Assert.Equal("LB_TOKEN=two", Variables(server, 0));

        await server.AcceptAsync(id, new ClientOperation.AllowSecret("TOKEN", false));
        await server.EvaluateAsync(id);
        Assert.Equal("", Variables(server, 0));
    }

    [Fact]
    public async Task A_secret_of_the_session_takes_the_place_of_the_workspaces_and_the_other_way_round()
    {
        await using var server = await TestServer.StartAsync();
        var settings = server.Server.Settings;
        await settings.SetSecretAsync("TOKEN", "workspace", Stop);
        var id = await server.CreateAsync("say done");
        await server.AcceptAsync(id, new ClientOperation.AllowSecret("TOKEN", true));

        await server.AcceptAsync(id, new ClientOperation.SetSecret("TOKEN", await settings.SealForSessionAsync(id, "TOKEN", "session", Stop)));
        await server.EvaluateAsync(id);
        Assert.Equal("LB_TOKEN=session", Variables(server, 0));

        await server.AcceptAsync(id, new ClientOperation.AllowSecret("TOKEN", true));
        await server.EvaluateAsync(id);
        Assert.Equal("LB_TOKEN=workspace", Variables(server, 0));
        Assert.NotNull((await server.SubmitAsync(id, new ClientOperation.DeleteSecret("TOKEN"))).Error);
    }

    [Fact]
    public async Task What_was_sealed_for_another_session_is_nobodys_secret()
    {
        await using var server = await TestServer.StartAsync();
        var settings = server.Server.Settings;
        var (id, other) = (await server.CreateAsync("say done"), await server.CreateAsync("say done"));
        var sealedText = await settings.SealForSessionAsync(other, "TOKEN", "stolen", Stop);

        await server.AcceptAsync(id, new ClientOperation.SetSecret("TOKEN", sealedText));
        await server.AcceptAsync(id, new ClientOperation.SetSecret("NONSENSE", "no.base64"));
        await server.EvaluateAsync(id);

        Assert.Equal("", Variables(server, 0));
        Assert.Equal("stolen", settings.OpenForSession(other, "TOKEN", sealedText));
    }

    [Theory]
    [InlineData("")]
    [InlineData("lower")]
    [InlineData("WITH-DASH")]
    [InlineData("A=B")]
    public async Task Names_that_no_variable_can_have_are_refused(string name)
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync();

        Assert.NotNull((await server.SubmitAsync(id, new ClientOperation.AllowSecret(name, true))).Error);
        Assert.NotNull((await server.SubmitAsync(id, new ClientOperation.SetSecret(name, "x"))).Error);
    }

    [Fact]
    public async Task A_key_of_the_api_lets_in_until_it_is_deleted()
    {
        await using var server = await TestServer.StartAsync();
        var settings = server.Server.Settings;

        var made = await settings.MakeApiKeyAsync("for CI", "the same request", Stop);

        Assert.True(settings.AcceptsApiKey(made.Key));
        Assert.Equal(made.Key, (await settings.MakeApiKeyAsync("for CI", "the same request", Stop)).Key);
        Assert.False(settings.AcceptsApiKey(made.Key[..^1] + (made.Key[^1] == '0' ? '1' : '0')));
        Assert.False(settings.AcceptsApiKey("lbk_"));
        await settings.DeleteApiKeyAsync(made.Id, Stop);
        Assert.False(settings.AcceptsApiKey(made.Key));
    }

    /// <summary>What the newest runtime had been given when its last evaluation began.</summary>
    private static string Variables(TestServer server, int runtime)
    {
        var started = server.Runtimes.Started[runtime];
        var last = started.Commands.TakeWhile(command => command != started.Commands.Last(it => it is RuntimeCommand.Evaluate));
        var variables = last.OfType<RuntimeCommand.SetEnvironment>().LastOrDefault()?.Variables ?? started.Environment;
        return string.Join(' ', variables.Select(variable => $"{variable.Key}={variable.Value}"));
    }
}
