using System.Text.Json;
using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Api;

public sealed class EvaluationsApiTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private readonly ApiClient _api = shared.Api;

    [Fact]
    public async Task Cells_are_evaluated_ancestors_first_with_outputs_errors_and_staleness()
    {
        var id = await _api.NewSessionAsync(
            "# Run\n\n## One\n\n```csharp\nConsole.WriteLine(\"hello\");\nvar x = 20;\n```\n\n```csharp\nx + 1\n```\n\n```fsharp\nlet y = 1\n```\n\n```csharp\nint.Parse(\"no number\")\n```\n"
        );
        var cells = await _api.CellsAsync(id);

        var second = (await _api.PostAsync(200, $"sessions/{id}/evaluations", new { cells = new[] { cells[1] }, wait = 60 })).Json.GetProperty("evaluations");
        Assert.Equal([cells[0], cells[1]], second.EnumerateArray().Select(evaluation => evaluation.GetProperty("cell").GetString()));
        Assert.All(second.EnumerateArray(), evaluation => Assert.Equal("ok", evaluation.GetProperty("status").GetString()));
        Assert.Equal(("stdout", "hello\n"), OutputOf(second[0]));
        Assert.Equal(("result", "21"), OutputOf(second[1]));

        var all = (await _api.PostAsync(200, $"sessions/{id}/evaluations", new { cells = "all", wait = 60 })).Json.GetProperty("evaluations");
        Assert.Equal(["ok", "ok", "unsupported", "failed"], [.. await StatusesAsync(id, all)]);
        var error = all.EnumerateArray().Single(evaluation => evaluation.GetProperty("cell").GetString() == cells[3]).GetProperty("error");
        Assert.Equal("System.FormatException", error.GetProperty("type").GetString());
        Assert.Equal(1, error.GetProperty("line").GetInt32());

        await _api.PatchAsync(200, $"sessions/{id}/cells/{cells[0]}", new { source = "var x = 41;" });
        Assert.Equal("stale", (await _api.GetAsync(200, $"sessions/{id}/cells/{cells[0]}")).Json.GetProperty("validity").GetString());
        var stale = (await _api.PostAsync(200, $"sessions/{id}/evaluations", new { cells = "stale", wait = 60 })).Json.GetProperty("evaluations");
        Assert.Contains(
            stale.EnumerateArray(),
            evaluation => evaluation.GetProperty("cell").GetString() == cells[1] && OutputOf(evaluation) == ("result", "42")
        );
        var cell = (await _api.GetAsync(200, $"sessions/{id}/cells/{cells[1]}")).Json;
        Assert.Equal(("ready", "evaluated"), (cell.GetProperty("status").GetString(), cell.GetProperty("validity").GetString()));
        Assert.True(cell.GetProperty("evaluations").GetInt32() >= 3);

        var plain = (await _api.GetAsync(200, $"sessions/{id}/notebook")).Json;
        Assert.DoesNotContain("outputs", plain.ToString(), StringComparison.Ordinal);
        Assert.Contains("\"42\"", (await _api.GetAsync(200, $"sessions/{id}/notebook?outputs=true")).Text, StringComparison.Ordinal);
        Assert.Contains("42", (await _api.GetAsync(200, $"sessions/{id}/notebook?format=livemd&outputs=true")).Text, StringComparison.Ordinal);
        Assert.DoesNotContain("42", (await _api.GetAsync(200, $"sessions/{id}/notebook?format=livemd&outputs=false")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_wait_the_answer_comes_at_once_and_a_running_cell_is_cancelled()
    {
        var id = await _api.NewSessionAsync("# Run\n\n## One\n\n```csharp\nwhile (true) { }\n```\n\n```csharp\n2\n```\n");
        var cells = await _api.CellsAsync(id);
        var accepted = (await _api.PostAsync(202, $"sessions/{id}/evaluations", new { cells = "all" })).Json.GetProperty("evaluations");
        Assert.All(accepted.EnumerateArray(), evaluation => Assert.Equal("queued", evaluation.GetProperty("status").GetString()));
        await _api.UntilAsync($"sessions/{id}/cells/{cells[0]}", cell => cell.GetProperty("status").GetString() == "evaluating");

        await _api.DeleteAsync(200, $"sessions/{id}/evaluations/{cells[1]}");
        await _api.UntilAsync($"sessions/{id}/cells/{cells[1]}", cell => cell.GetProperty("status").GetString() == "ready");
        await _api.DeleteAsync(200, $"sessions/{id}/evaluations");
        await _api.UntilAsync($"sessions/{id}/cells/{cells[0]}", cell => cell.GetProperty("status").GetString() == "ready");
        Assert.Equal("aborted", (await _api.GetAsync(200, $"sessions/{id}/cells/{cells[0]}")).Json.GetProperty("validity").GetString());
        Assert.Equal("refused", (await _api.DeleteAsync(422, $"sessions/{id}/evaluations")).Problem);
    }

    [Fact]
    public async Task A_wait_that_is_over_answers_with_what_is_there()
    {
        var id = await _api.NewSessionAsync("# Run\n\n## One\n\n```csharp\nawait Task.Delay(-1, Stopping);\n```\n");
        var answer = (await _api.PostAsync(200, $"sessions/{id}/evaluations", new { cells = "all", wait = 0.2 })).Json.GetProperty("evaluations");
        Assert.Equal("queued", answer[0].GetProperty("status").GetString());
        await _api.DeleteAsync(200, $"sessions/{id}/runtime");
        await _api.UntilAsync($"sessions/{id}/cells/{(await _api.CellsAsync(id))[0]}", cell => cell.GetProperty("status").GetString() == "ready");
    }

    [Fact]
    public async Task A_runtime_is_restarted_and_stopped()
    {
        var id = await _api.NewSessionAsync("# Run\n\n## One\n\n```csharp\nEnvironment.ProcessId\n```\n");
        var first = OutputOf(await RunAsync(id)).Text;
        var session = (await _api.GetAsync(200, $"sessions/{id}")).Json.GetProperty("runtime");
        Assert.Equal("idle", session.GetProperty("status").GetString());
        Assert.True(session.GetProperty("memoryBytes").GetInt64() > 0);

        await _api.PostAsync(200, $"sessions/{id}/runtime/restart");
        Assert.Equal("aborted", (await _api.GetAsync(200, $"sessions/{id}/cells/{(await _api.CellsAsync(id))[0]}")).Json.GetProperty("validity").GetString());
        Assert.NotEqual(first, OutputOf(await RunAsync(id)).Text);

        await _api.DeleteAsync(200, $"sessions/{id}/runtime");
        Assert.Equal("off", (await _api.GetAsync(200, $"sessions/{id}")).Json.GetProperty("runtime").GetProperty("status").GetString());
        Assert.Equal("refused", (await _api.DeleteAsync(422, $"sessions/{id}/runtime")).Problem);
    }

    [Theory]
    [InlineData("""{ "cells": "some" }""", "cells")]
    [InlineData("""{ "cells": [] }""", "cells")]
    [InlineData("""{ "cells": [1] }""", "cells")]
    [InlineData("""{ "cells": "all", "wait": -1 }""", "wait")]
    [InlineData("""{ "cells": "all", "wait": 999999 }""", "wait")]
    public async Task A_request_that_makes_no_sense_names_its_field(string body, string field)
    {
        var id = await _api.NewSessionAsync("# Run\n\n## One\n\n```csharp\n1\n```\n");
        Assert.Equal([field], (await _api.PostAsync(400, $"sessions/{id}/evaluations", body)).Fields);
    }

    [Fact]
    public async Task Only_cells_of_code_are_evaluated()
    {
        var id = await _api.NewSessionAsync("# Run\n\n## One\n\nText.\n");
        var cells = await _api.CellsAsync(id);
        Assert.Contains(cells[0], (await _api.PostAsync(422, $"sessions/{id}/evaluations", new { cells })).Detail, StringComparison.Ordinal);
        await _api.PostAsync(422, $"sessions/{id}/evaluations", new { cells = new[] { "no-such-cell" } });
    }

    private static (string? Kind, string? Text) OutputOf(JsonElement evaluation)
    {
        var output = evaluation.GetProperty("outputs").EnumerateArray().Last();
        return (output.GetProperty("kind").GetString(), output.GetProperty("data").GetProperty("text/plain").GetString());
    }

    private async Task<JsonElement> RunAsync(string session) =>
        (await _api.PostAsync(200, $"sessions/{session}/evaluations", new { cells = "all", wait = 60 }))
            .Json.GetProperty("evaluations")
            .EnumerateArray()
            .Last();

    private async Task<string[]> StatusesAsync(string session, JsonElement evaluations)
    {
        var cells = await _api.CellsAsync(session);
        return
        [
            .. cells.Select(cell =>
                evaluations.EnumerateArray().Single(evaluation => evaluation.GetProperty("cell").GetString() == cell).GetProperty("status").GetString()!
            ),
        ];
    }
}
