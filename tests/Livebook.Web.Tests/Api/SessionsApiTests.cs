using System.Text.Json;
using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Api;

public sealed class SessionsApiTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private readonly ApiClient _api = shared.Api;

    [Fact]
    public async Task A_session_is_made_of_nothing_but_a_name_read_changed_and_closed()
    {
        var made = await _api.PostAsync(201, "sessions", new { name = "Plans" });
        var id = made.Json.GetProperty("id").GetString();
        Assert.Equal(new Uri(shared.Server.Address, $"/api/v1/sessions/{id}"), made.Headers.Location);
        Assert.Equal("Plans", made.Json.GetProperty("name").GetString());
        Assert.Equal("livebook@127.0.0.1", made.Json.GetProperty("node").GetString());
        Assert.Equal(new Uri(shared.Server.Address, $"/sessions/{id}").ToString(), made.Json.GetProperty("url").GetString());

        var changed = await _api.PatchAsync(200, $"sessions/{id}", new { name = "Better plans", autosaveSeconds = 60 });
        Assert.Equal("Better plans", changed.Json.GetProperty("name").GetString());
        Assert.True(changed.Json.GetProperty("version").GetInt64() > made.Json.GetProperty("version").GetInt64());
        var notebook = await _api.GetAsync(200, $"sessions/{id}/notebook");
        Assert.Equal(60, notebook.Json.GetProperty("autosaveSeconds").GetInt32());

        await _api.DeleteAsync(204, $"sessions/{id}");
        Assert.Equal("session-not-found", (await _api.GetAsync(404, $"sessions/{id}")).Problem);
    }

    [Fact]
    public async Task A_source_is_imported_with_warnings_about_what_has_no_place_here()
    {
        var source = await File.ReadAllTextAsync(Testing.Repository.PathOf("samples", "imports", "languages.ipynb"), TestContext.Current.CancellationToken);
        var made = await _api.PostAsync(201, "sessions", new { source, format = "ipynb" });
        Assert.NotEqual(0, made.Json.GetProperty("warnings").GetArrayLength());
        Assert.Equal("Languages", made.Json.GetProperty("name").GetString());
    }

    [Fact]
    public async Task A_file_is_opened_once_and_saved_to()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("plans.livemd", "# Plans\n\n## One\n\n```csharp\n1\n```\n");
        var made = await _api.PostAsync(201, "sessions", new { file });
        var id = made.Json.GetProperty("id").GetString()!;
        Assert.Equal(file, made.Json.GetProperty("file").GetString());
        Assert.Equal(id, (await _api.PostAsync(200, "sessions", new { file })).Json.GetProperty("id").GetString());

        var cell = Assert.Single(await _api.CellsAsync(id));
        await _api.PatchAsync(200, $"sessions/{id}/cells/{cell}", new { source = "2" });
        var saved = await _api.PostAsync(200, $"sessions/{id}/save");
        Assert.Equal(file, saved.Json.GetProperty("file").GetString());
        Assert.NotEqual(JsonValueKind.Null, saved.Json.GetProperty("savedAt").ValueKind);
        Assert.Equal("# Plans\n\n## One\n\n```csharp\n2\n```\n", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        // What is saved already is saved.
        Assert.Equal(file, (await _api.PostAsync(200, $"sessions/{id}/save")).Json.GetProperty("file").GetString());
        await _api.DeleteAsync(204, $"sessions/{id}");
    }

    [Fact]
    public async Task Closing_saves_first()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("plans.livemd", "# Plans\n\n## One\n\n```csharp\n1\n```\n");
        var id = (await _api.PostAsync(201, "sessions", new { file })).Json.GetProperty("id").GetString()!;
        await _api.PatchAsync(200, $"sessions/{id}", new { name = "Plans for later" });
        await _api.DeleteAsync(204, $"sessions/{id}");
        Assert.StartsWith("# Plans for later\n", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_gets_a_file_and_loses_it()
    {
        using var folder = new TemporaryFolder();
        var file = folder.PathOf("new.livemd");
        var taken = folder.Write("taken.livemd", "# Taken\n");
        var id = await _api.NewSessionAsync("# New\n");
        Assert.Equal("refused", (await _api.PostAsync(422, $"sessions/{id}/save")).Problem);

        Assert.Equal("file-exists", (await _api.PatchAsync(409, $"sessions/{id}", new { file = taken })).Problem);
        Assert.Equal(file, (await _api.PatchAsync(200, $"sessions/{id}", new { file })).Json.GetProperty("file").GetString());
        await _api.PostAsync(200, $"sessions/{id}/save");
        Assert.StartsWith("# New\n", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken), StringComparison.Ordinal);

        var other = await _api.NewSessionAsync("# Other\n");
        var inUse = await _api.PatchAsync(409, $"sessions/{other}", new { file, overwrite = true });
        Assert.Equal("file-in-use", inUse.Problem);
        Assert.Equal(id, inUse.Json.GetProperty("session").GetString());

        Assert.Equal(JsonValueKind.Null, (await _api.PatchAsync(200, $"sessions/{id}", new { file = "" })).Json.GetProperty("file").ValueKind);
        Assert.Equal(file, (await _api.PatchAsync(200, $"sessions/{other}", new { file, overwrite = true })).Json.GetProperty("file").GetString());
        await _api.DeleteAsync(204, $"sessions/{id}");
        await _api.DeleteAsync(204, $"sessions/{other}");
    }

    [Fact]
    public async Task The_notebook_comes_in_the_format_that_is_asked_for_and_only_when_it_is_new()
    {
        const string Source = "# Formats\n\n## One\n\nText.\n\n```csharp\n1 + 1\n```\n";
        var id = await _api.NewSessionAsync(Source);
        var model = await _api.GetAsync(200, $"sessions/{id}/notebook");
        Assert.Equal("Formats", model.Json.GetProperty("name").GetString());
        Assert.Equal("1 + 1", model.Json.GetProperty("sections")[1].GetProperty("cells")[1].GetProperty("source").GetString());

        foreach (var (path, accept) in new[] { ("?format=livemd", "*/*"), ("", "text/markdown") })
        {
            var livemd = await _api.GetAsync(200, $"sessions/{id}/notebook{path}", ("Accept", accept));
            Assert.Equal("text/markdown", livemd.ContentType);
            Assert.Equal(Source, livemd.Text);
        }
        foreach (var (path, accept) in new[] { ("?format=ipynb", "*/*"), ("", "application/x-ipynb+json") })
        {
            var ipynb = await _api.GetAsync(200, $"sessions/{id}/notebook{path}", ("Accept", accept));
            Assert.Equal("application/x-ipynb+json", ipynb.ContentType);
            Assert.Equal(4, JsonDocument.Parse(ipynb.Text).RootElement.GetProperty("nbformat").GetInt32());
        }
        var problem = await _api.GetAsync(400, $"sessions/{id}/notebook?format=pdf");
        Assert.Equal(["format"], problem.Fields);

        var tag = model.Headers.ETag!.ToString();
        Assert.Equal($"\"{model.Json.GetProperty("version").GetInt64()}\"", tag);
        var same = await _api.GetAsync(304, $"sessions/{id}/notebook", ("If-None-Match", tag));
        Assert.Empty(same.Text);
        Assert.Equal(tag, same.Headers.ETag!.ToString());
        await _api.PatchAsync(200, $"sessions/{id}", new { name = "Other" });
        var next = await _api.GetAsync(200, $"sessions/{id}/notebook", ("If-None-Match", tag));
        Assert.NotEqual(tag, next.Headers.ETag!.ToString());
    }

    [Fact]
    public async Task The_cluster_of_a_lone_server_is_that_server()
    {
        var cluster = (await _api.GetAsync(200, "cluster")).Json;
        Assert.Equal("alone", cluster.GetProperty("status").GetString());
        var node = Assert.Single(cluster.GetProperty("nodes").EnumerateArray().ToArray());
        Assert.Equal(cluster.GetProperty("self").GetString(), node.GetProperty("name").GetString());
        Assert.Equal("up", node.GetProperty("status").GetString());
        Assert.Equal("1.2.3", node.GetProperty("version").GetString());
        Assert.Equal("none", cluster.GetProperty("discovery").GetProperty("mode").GetString());
        Assert.Equal("alone", (await _api.PostAsync(200, "cluster/promote")).Json.GetProperty("status").GetString());
    }
}
