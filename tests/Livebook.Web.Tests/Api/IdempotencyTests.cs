using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Api;

public sealed class IdempotencyTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private readonly ApiClient _api = shared.Api;

    [Fact]
    public async Task The_same_key_makes_one_session()
    {
        var key = Guid.NewGuid().ToString();
        var before = (await _api.GetAsync(200, "sessions")).Json.GetArrayLength();
        var first = await _api.PostAsync(201, "sessions", new { name = "Once" }, key);
        var second = await _api.PostAsync(201, "sessions", new { name = "Once" }, key);
        Assert.Equal(Id(first), Id(second));
        Assert.Equal(before + 1, (await _api.GetAsync(200, "sessions")).Json.GetArrayLength());
        Assert.NotEqual(Id(first), Id(await _api.PostAsync(201, "sessions", new { name = "Once" }, Guid.NewGuid().ToString())));
    }

    [Fact]
    public async Task The_same_key_makes_one_cell_even_at_the_same_time()
    {
        var id = await _api.NewSessionAsync("# Once\n\n## One\n");
        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => _api.PostAsync(201, $"sessions/{id}/cells", new { source = "1" }, "cell-1")));
        Assert.Equal(Id(answers[0]), Assert.Single(await _api.CellsAsync(id)));
        Assert.All(answers, answer => Assert.Equal(answers[0].Text, answer.Text));
        await _api.PostAsync(201, $"sessions/{id}/cells", new { source = "1" }, "cell-2");
        Assert.Equal(2, (await _api.CellsAsync(id)).Length);
    }

    [Fact]
    public async Task The_same_key_appends_once()
    {
        var id = await _api.NewSessionAsync("# Once\n\n## One\n\n```csharp\na\n```\n");
        var path = $"sessions/{id}/cells/{(await _api.CellsAsync(id))[0]}";
        var first = await _api.PatchAsync(200, path, new { append = "b" }, "append-1");
        Assert.Equal(
            first.Json.GetProperty("version").GetInt64(),
            (await _api.PatchAsync(200, path, new { append = "b" }, "append-1")).Json.GetProperty("version").GetInt64()
        );
        Assert.Equal("ab", await _api.SourceAsync(id, path.Split('/')[^1]));
    }

    [Fact]
    public async Task A_key_counts_for_one_address()
    {
        var id = await _api.NewSessionAsync("# Once\n\n## One\n\n```csharp\na\n```\n\n```csharp\nb\n```\n");
        var cells = await _api.CellsAsync(id);
        await _api.PatchAsync(200, $"sessions/{id}/cells/{cells[0]}", new { append = "!" }, "same");
        await _api.PatchAsync(200, $"sessions/{id}/cells/{cells[1]}", new { append = "!" }, "same");
        Assert.Equal(["a!", "b!"], [await _api.SourceAsync(id, cells[0]), await _api.SourceAsync(id, cells[1])]);
    }

    [Fact]
    public async Task The_same_key_evaluates_once()
    {
        var id = await _api.NewSessionAsync("# Once\n\n## One\n\n```csharp\n1\n```\n");
        var cell = (await _api.CellsAsync(id))[0];
        for (var i = 0; i < 2; i++)
        {
            var answer = (await _api.PostAsync(200, $"sessions/{id}/evaluations", new { cells = "all", wait = 60 }, "run-1")).Json.GetProperty("evaluations");
            Assert.Equal("ok", answer[0].GetProperty("status").GetString());
        }
        Assert.Equal(1, (await _api.GetAsync(200, $"sessions/{id}/cells/{cell}")).Json.GetProperty("evaluations").GetInt32());
    }

    [Fact]
    public async Task Keys_are_remembered_across_a_restart()
    {
        using var data = new TemporaryFolder();
        string id;
        await using (var server = await TestServer.StartOnAsync(data))
        {
            id = Id(await server.Api.PostAsync(201, "sessions", new { source = "# Once\n\n## One\n", format = "livemd" }, "session"));
            await server.Api.PostAsync(201, $"sessions/{id}/cells", new { source = "1" }, "cell");
        }
        await using (var server = await TestServer.StartOnAsync(data))
        {
            Assert.Equal(id, Id(await server.Api.PostAsync(201, "sessions", new { source = "# Once\n\n## One\n", format = "livemd" }, "session")));
            await server.Api.PostAsync(201, $"sessions/{id}/cells", new { source = "1" }, "cell");
            Assert.Single(await server.Api.CellsAsync(id));
        }
    }

    private static string Id(ApiAnswer answer) => answer.Json.GetProperty("id").GetString()!;
}
