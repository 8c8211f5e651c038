using System.Text.Json;
using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Api;

public sealed class CellsApiTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string Two = "# Cells\n\n## One\n\n```csharp\nfirst\n```\n\n```csharp\nsecond\n```\n";

    private readonly ApiClient _api = shared.Api;

    [Fact]
    public async Task Sections_are_inserted_renamed_moved_branched_and_deleted()
    {
        var id = await _api.NewSessionAsync("# Sections\n\n## One\n\n```csharp\n1\n```\n");
        var last = await SectionAsync(id, new { name = "Last" });
        var first = await SectionAsync(id, new { name = "First", index = 0 });
        Assert.Equal(["First", "One", "Last"], await NamesAsync(id));

        await _api.PatchAsync(200, $"sessions/{id}/sections/{last}", new { name = "Second", index = 1 });
        Assert.Equal(["First", "Second", "One"], await NamesAsync(id));
        var branch = await SectionAsync(id, new { name = "Branch", parent = first });
        Assert.Equal(first, (await SectionsAsync(id)).Single(section => section.GetProperty("id").GetString() == branch).GetProperty("parent").GetString());
        await _api.PatchAsync(200, $"sessions/{id}/sections/{branch}", new { parent = "" });
        Assert.All(await SectionsAsync(id), section => Assert.Equal(JsonValueKind.Null, section.GetProperty("parent").ValueKind));

        await _api.DeleteAsync(200, $"sessions/{id}/sections/{branch}?cells=true");
        Assert.Equal(["First", "Second", "One"], await NamesAsync(id));
        Assert.Equal("section-not-found", (await _api.DeleteAsync(404, $"sessions/{id}/sections/{branch}")).Problem);
        Assert.Equal(["index"], (await _api.PostAsync(400, $"sessions/{id}/sections", new { index = 9 })).Fields);
    }

    [Fact]
    public async Task A_deleted_section_leaves_its_cells_behind_unless_they_are_to_go_too()
    {
        var id = await _api.NewSessionAsync("# Sections\n\n## One\n\n## Two\n\n```csharp\n2\n```\n\n## Three\n\n```csharp\n3\n```\n");
        var sections = await SectionsAsync(id);
        await _api.DeleteAsync(200, $"sessions/{id}/sections/{sections[1].GetProperty("id").GetString()}");
        await _api.DeleteAsync(200, $"sessions/{id}/sections/{sections[2].GetProperty("id").GetString()}?cells=true");
        Assert.Equal("2", await _api.SourceAsync(id, Assert.Single(await _api.CellsAsync(id))));
    }

    [Fact]
    public async Task A_cell_goes_where_it_is_told_or_to_the_end()
    {
        var id = await _api.NewSessionAsync(Two);
        var section = (await SectionsAsync(id))[0].GetProperty("id").GetString();
        var end = await CellAsync(id, new { source = "third" });
        var start = await CellAsync(
            id,
            new
            {
                source = "**zero**",
                kind = "markdown",
                section,
                index = 0,
            }
        );
        var cells = await _api.CellsAsync(id);
        Assert.Equal([start, end], [cells[0], cells[^1]]);

        var markdown = (await _api.GetAsync(200, $"sessions/{id}/cells/{start}")).Json;
        Assert.Equal("markdown", markdown.GetProperty("kind").GetString());
        Assert.False(markdown.TryGetProperty("status", out _));
        var code = (await _api.GetAsync(200, $"sessions/{id}/cells/{end}")).Json;
        Assert.Equal(("code", "csharp", "ready", "fresh"), (Text(code, "kind"), Text(code, "language"), Text(code, "status"), Text(code, "validity")));
        Assert.Equal(section, Text(code, "section"));
        Assert.Equal(
            "fsharp",
            Text((await _api.GetAsync(200, $"sessions/{id}/cells/{await CellAsync(id, new { source = "1", language = "fsharp" })}")).Json, "language")
        );
    }

    [Fact]
    public async Task A_text_is_replaced_edited_and_appended_to()
    {
        var id = await _api.NewSessionAsync(Two);
        var cell = (await _api.CellsAsync(id))[0];
        var path = $"sessions/{id}/cells/{cell}";
        var replaced = await _api.PatchAsync(200, path, new { source = "abc🎈def" });
        Assert.Equal("abc🎈def", await _api.SourceAsync(id, cell));
        var revision = replaced.Json.GetProperty("revision").GetInt32();

        // Offsets count UTF-16 units: the balloon has two.
        await _api.PatchAsync(
            200,
            path,
            new
            {
                edits = new[]
                {
                    new
                    {
                        from = 0,
                        to = 1,
                        insert = "A",
                    },
                    new
                    {
                        from = 5,
                        to = 8,
                        insert = "DEF",
                    },
                },
                revision,
            }
        );
        Assert.Equal("Abc🎈DEF", await _api.SourceAsync(id, cell));
        var appended = await _api.PatchAsync(200, path, new { append = "\nmore" });
        Assert.Equal("Abc🎈DEF\nmore", await _api.SourceAsync(id, cell));
        Assert.True(appended.Json.GetProperty("version").GetInt64() > replaced.Json.GetProperty("version").GetInt64());

        // What an edit refers to is what its author had seen; what others have written since then stays.
        await _api.PatchAsync(
            200,
            path,
            new
            {
                edits = new[]
                {
                    new
                    {
                        from = 3,
                        to = 5,
                        insert = "-",
                    },
                },
                revision,
            }
        );
        Assert.Equal("Abc-DEF\nmore", await _api.SourceAsync(id, cell));
        await _api.PatchAsync(
            200,
            path,
            new
            {
                edits = new[]
                {
                    new
                    {
                        from = 0,
                        to = 0,
                        insert = "!",
                    },
                },
            }
        );
        Assert.Equal("!Abc-DEF\nmore", await _api.SourceAsync(id, cell));
    }

    [Theory]
    [InlineData("""{ "edits": [{ "from": 0, "to": 99, "insert": "" }] }""")]
    [InlineData("""{ "edits": [{ "from": 3, "to": 1, "insert": "" }] }""")]
    [InlineData("""{ "edits": [{ "from": -1, "to": 1, "insert": "" }] }""")]
    [InlineData("""{ "source": "a", "append": "b" }""")]
    [InlineData("""{ "edits": [], "revision": 12345 }""")]
    [InlineData("{}")]
    public async Task An_edit_that_does_not_fit_is_refused_and_changes_nothing(string body)
    {
        var id = await _api.NewSessionAsync(Two);
        var cell = (await _api.CellsAsync(id))[0];
        var answer = await _api.PatchAsync(422, $"sessions/{id}/cells/{cell}", body);
        Assert.Equal("refused", answer.Problem);
        Assert.Equal("first", await _api.SourceAsync(id, cell));
    }

    [Fact]
    public async Task Texts_of_many_writers_are_merged()
    {
        var id = await _api.NewSessionAsync(Two);
        var cell = (await _api.CellsAsync(id))[0];
        await _api.PatchAsync(200, $"sessions/{id}/cells/{cell}", new { source = "" });
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => _api.PatchAsync(200, $"sessions/{id}/cells/{cell}", new { append = $"<{i}>" })));
        var source = await _api.SourceAsync(id, cell);
        Assert.All(Enumerable.Range(0, 20), i => Assert.Contains($"<{i}>", source, StringComparison.Ordinal));
        Assert.Equal(Enumerable.Range(0, 20).Sum(i => $"<{i}>".Length), source.Length);
    }

    [Fact]
    public async Task A_cell_is_moved_deleted_and_restored()
    {
        var id = await _api.NewSessionAsync(Two);
        var cells = await _api.CellsAsync(id);
        await _api.PostAsync(200, $"sessions/{id}/cells/{cells[0]}/move", new { offset = 1 });
        Assert.Equal([cells[1], cells[0]], await _api.CellsAsync(id));
        var section = await SectionAsync(id, new { name = "Two" });
        await _api.PostAsync(200, $"sessions/{id}/cells/{cells[0]}/move", new { section, index = 0 });
        Assert.Equal([cells[1]], await _api.CellsAsync(id));
        await _api.PostAsync(200, $"sessions/{id}/cells/{cells[0]}/move", new { offset = -1 });
        Assert.Equal([cells[1], cells[0]], await _api.CellsAsync(id));

        await _api.DeleteAsync(200, $"sessions/{id}/cells/{cells[1]}");
        Assert.Equal([cells[0]], await _api.CellsAsync(id));
        Assert.Equal("cell-not-found", (await _api.GetAsync(404, $"sessions/{id}/cells/{cells[1]}")).Problem);
        Assert.Equal("cell-not-found", (await _api.DeleteAsync(404, $"sessions/{id}/cells/{cells[1]}")).Problem);
        await _api.PostAsync(200, $"sessions/{id}/cells/{cells[1]}/restore");
        Assert.Equal([cells[1], cells[0]], await _api.CellsAsync(id));
        Assert.Equal("refused", (await _api.PostAsync(422, $"sessions/{id}/cells/{cells[1]}/restore")).Problem);
    }

    private static string? Text(JsonElement json, string property) => json.GetProperty(property).GetString();

    private async Task<string> SectionAsync(string session, object body) =>
        (await _api.PostAsync(201, $"sessions/{session}/sections", body)).Json.GetProperty("id").GetString()!;

    private async Task<string> CellAsync(string session, object body) =>
        (await _api.PostAsync(201, $"sessions/{session}/cells", body)).Json.GetProperty("id").GetString()!;

    /// <summary>Without the setup section.</summary>
    private async Task<JsonElement[]> SectionsAsync(string session) =>
        [.. (await _api.GetAsync(200, $"sessions/{session}/notebook")).Json.GetProperty("sections").EnumerateArray().Skip(1)];

    private async Task<string[]> NamesAsync(string session) => [.. (await SectionsAsync(session)).Select(section => section.GetProperty("name").GetString()!)];
}
