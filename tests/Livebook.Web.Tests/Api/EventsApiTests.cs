using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Api;

public sealed class EventsApiTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private readonly ApiClient _api = shared.Api;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private Task<EventReader> OpenAsync(string session, string? lastId = null) => EventReader.OpenAsync(shared.Server.Browser, session, lastId, Stop);

    [Fact]
    public async Task Cells_texts_evaluations_and_outputs_come_as_they_happen_and_the_end_too()
    {
        var id = await _api.NewSessionAsync("# Followed\n\n## One\n");
        using var events = await OpenAsync(id);
        Assert.Equal("begin", (await events.NextAsync(Stop))!.Name);
        var cell = (await _api.PostAsync(201, $"sessions/{id}/cells", new { source = "System.Console.Write(\"said\"); 6 * 7" }))
            .Json.GetProperty("id")
            .GetString()!;
        Assert.Equal("code", (await events.UntilAsync("cell", it => it.GetProperty("id").GetString() == cell, Stop)).GetProperty("kind").GetString());
        Assert.Contains("6 * 7", (await events.UntilAsync("text", _ => true, Stop)).GetProperty("source").GetString(), StringComparison.Ordinal);
        await _api.PatchAsync(200, $"sessions/{id}/cells/{cell}", new { append = ";" });
        Assert.Equal(System.Text.Json.JsonValueKind.Array, (await events.UntilAsync("text", _ => true, Stop)).GetProperty("changes").ValueKind);
        await _api.PatchAsync(200, $"sessions/{id}/cells/{cell}", new { source = "System.Console.Write(\"said\"); 6 * 7" });

        await _api.PostAsync(202, $"sessions/{id}/evaluations", new { cells = new[] { cell } });
        await events.UntilAsync("evaluation", it => it.GetProperty("status").GetString() is "queued" or "evaluating", Stop);
        await events.UntilAsync("output", it => it.GetProperty("kind").GetString() == "stdout" && it.GetProperty("text").GetString() == "said", Stop);
        await events.UntilAsync("output", it => it.TryGetProperty("data", out var data) && data.GetProperty("text/plain").GetString() == "42", Stop);
        await events.UntilAsync(
            "evaluation",
            it => it.GetProperty("status").GetString() == "ready" && it.GetProperty("validity").GetString() == "evaluated",
            Stop
        );

        await _api.DeleteAsync(204, $"sessions/{id}");
        await events.UntilAsync("closed", _ => true, Stop);
        Assert.Null(await events.NextAsync(Stop));
    }

    [Fact]
    public async Task A_reader_that_comes_back_gets_what_it_missed_once_and_in_order()
    {
        var id = await _api.NewSessionAsync("# Resumed\n");
        string? last;
        using (var events = await OpenAsync(id))
        {
            await events.NextAsync(Stop);
            await _api.PatchAsync(200, $"sessions/{id}", new { name = "First" });
            await events.UntilAsync("notebook", it => it.GetProperty("name").GetString() == "First", Stop);
            last = events.LastId;
        }
        await _api.PatchAsync(200, $"sessions/{id}", new { name = "Second" });
        await _api.PatchAsync(200, $"sessions/{id}", new { name = "Third" });
        using var resumed = await OpenAsync(id, last);
        var names = new List<string?>();
        while (names.Count < 2)
            names.Add((await resumed.UntilAsync("notebook", _ => true, Stop)).GetProperty("name").GetString());
        Assert.Equal(["Second", "Third"], names);
    }

    [Fact]
    public async Task A_gap_is_said()
    {
        var id = await _api.NewSessionAsync("# Gap\n");
        using var events = await OpenAsync(id, "999999");
        var resync = await events.UntilAsync("resync", _ => true, Stop);
        Assert.True(resync.GetProperty("version").GetInt64() < 999_999);
        await _api.PatchAsync(200, $"sessions/{id}", new { name = "Goes on" });
        await events.UntilAsync("notebook", it => it.GetProperty("name").GetString() == "Goes on", Stop);
        Assert.Equal(["Last-Event-ID"], (await _api.GetAsync(400, $"sessions/{id}/events", ("Last-Event-ID", "x"))).Fields);
        Assert.Equal("session-not-found", (await _api.GetAsync(404, "sessions/none/events")).Problem);
    }
}
