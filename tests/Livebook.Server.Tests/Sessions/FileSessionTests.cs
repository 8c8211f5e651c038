using Livebook.Core.Sessions;
using Livebook.Server.Sessions;

namespace Livebook.Server.Tests.Sessions;

public sealed class FileSessionTests
{
    private const string Text = "# From the file\n\n## Section\n\n```csharp\nsay hello\n```\n";

    private static CancellationToken Stop => TestServer.Stop;

    private static async Task<(string Session, string Path)> OpenAsync(TestServer server, string name = "a.livemd")
    {
        var path = server.PathOf(name);
        await File.WriteAllTextAsync(path, Text, Stop);
        return ((await server.Sessions.OpenFileAsync(null, path, null, Stop)).Id, path);
    }

    private static Task<string> ReadAsync(string path) => File.ReadAllTextAsync(path, Stop);

    [Fact]
    public async Task A_file_is_opened_saved_closed_and_opened_again()
    {
        await using var server = await TestServer.StartAsync();
        var (id, path) = await OpenAsync(server);
        Assert.Equal("From the file", await server.NameAsync(id));
        Assert.Equal("saved", await server.FileStateAsync(id));
        var again = await server.Sessions.OpenFileAsync(null, path, null, Stop);
        Assert.Equal((id, true), (again.Id, again.Existing));

        await server.RenameAsync(id, "Renamed");
        Assert.Equal(Text, await ReadAsync(path));
        await server.AcceptAsync(id, new ClientOperation.Save());
        await server.Sessions.WaitUntilSavedAsync(id, Stop);
        Assert.Equal(Text.Replace("From the file", "Renamed", StringComparison.Ordinal), await ReadAsync(path));

        // What is not saved yet is saved when the session is closed.
        await server.RenameAsync(id, "Closed");
        await server.Sessions.CloseAsync(id, Stop);
        Assert.Contains("# Closed", await ReadAsync(path), StringComparison.Ordinal);
        var reopened = await server.Sessions.OpenFileAsync(null, path, null, Stop);
        Assert.False(reopened.Existing);
        Assert.Equal("Closed", await server.NameAsync(reopened.Id));
    }

    [Fact]
    public async Task Changes_are_saved_by_themselves()
    {
        await using var server = await TestServer.StartAsync();
        var (id, path) = await OpenAsync(server);
        await server.AcceptAsync(id, new ClientOperation.SetNotebook(AutosaveSeconds: 1));
        await server.RenameAsync(id, "By itself");
        await TestServer.UntilAsync(async () => (await ReadAsync(path)).Contains("# By itself", StringComparison.Ordinal), "the file is saved");
        await TestServer.UntilAsync(async () => await server.FileStateAsync(id) == "saved", "the session knows it");
    }

    [Fact]
    public async Task Two_sessions_never_own_one_file()
    {
        await using var server = await TestServer.StartAsync();
        var (id, path) = await OpenAsync(server);
        var other = await server.CreateAsync();
        File.CreateSymbolicLink(server.PathOf("link.livemd"), path);

        foreach (var name in new[] { path, server.PathOf("link.livemd") })
        {
            var reply = await server.Sessions.AttachAsync(other, null, name, overwrite: true, Stop);
            Assert.Equal(("in_use", id), (reply.Kind, reply.Session));
        }
        Assert.Equal(id, (await server.Sessions.OpenFileAsync(null, server.PathOf("link.livemd"), null, Stop)).Id);

        // A session that goes on elsewhere gives the file back.
        Assert.Null((await server.Sessions.AttachAsync(id, null, server.PathOf("b.livemd"), overwrite: false, Stop)).Kind);
        await server.Sessions.WaitUntilSavedAsync(id, Stop);
        await TestServer.UntilAsync(
            async () => (await server.Sessions.AttachAsync(other, null, path, overwrite: false, Stop)).Kind == "exists",
            "the first file is free"
        );
        Assert.Null((await server.Sessions.AttachAsync(other, null, path, overwrite: true, Stop)).Kind);
        await server.Sessions.WaitUntilSavedAsync(other, Stop);
        Assert.Contains("# Example", await ReadAsync(path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("reload")]
    [InlineData("keep_both")]
    [InlineData("overwrite")]
    public async Task A_file_that_was_changed_outside_is_never_overwritten_without_a_choice(string choice)
    {
        await using var server = await TestServer.StartAsync();
        var (id, path) = await OpenAsync(server);
        await server.AcceptAsync(id, new ClientOperation.SetNotebook(AutosaveSeconds: 0));
        await File.WriteAllTextAsync(path, "# Theirs\n", Stop);
        await server.RenameAsync(id, "Ours");
        await server.AcceptAsync(id, new ClientOperation.Save());
        await server.Sessions.WaitUntilSavedAsync(id, Stop);
        Assert.Equal("changed_outside", await server.FileStateAsync(id));
        Assert.Equal("# Theirs\n", await ReadAsync(path));
        var refused = await Assert.ThrowsAsync<SessionRefusedException>(() => server.Sessions.CloseAsync(id, Stop));
        Assert.Contains("changed outside", refused.Message, StringComparison.Ordinal);

        await server.AcceptAsync(id, new ClientOperation.ResolveFileConflict(choice));

        await TestServer.UntilAsync(async () => await server.FileStateAsync(id) == "saved", "the choice is carried out");
        Assert.Equal(choice == "reload" ? "Theirs" : "Ours", await server.NameAsync(id));
        Assert.Contains(choice == "overwrite" ? "# Ours" : "# Theirs", await ReadAsync(path), StringComparison.Ordinal);
        if (choice == "keep_both")
            Assert.Contains("# Ours", await ReadAsync(server.PathOf("a (2).livemd")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_end_of_the_server_saves_and_its_return_brings_sessions_back_with_their_files()
    {
        await using var server = await TestServer.StartAsync();
        var (id, path) = await OpenAsync(server);
        await server.RenameAsync(id, "Saved at the end");
        await server.StopAsync();
        Assert.Contains("# Saved at the end", await ReadAsync(path), StringComparison.Ordinal);

        await using var back = await TestServer.StartAsync(server.Root);
        await TestServer.UntilAsync(() => back.Sessions.Find(id) is not null, "the session is back");
        Assert.Equal("saved", await back.FileStateAsync(id));
        Assert.Equal(id, (await back.Sessions.OpenFileAsync(null, path, null, Stop)).Id);
        await back.RenameAsync(id, "Goes on");
        await back.AcceptAsync(id, new ClientOperation.Save());
        await back.Sessions.WaitUntilSavedAsync(id, Stop);
        Assert.Contains("# Goes on", await ReadAsync(path), StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_crash_everything_that_was_acknowledged_is_there()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync("say hello");
        Assert.Equal("hello", await server.EvaluateAsync(id));
        for (var number = 0; number < 40; number++)
            await server.AcceptAsync(id, new ClientOperation.PatchText("cell-0001", "test", Append: $"\n// {number}"));
        var expected = await server.LiveMarkdownAsync(id);

        // What a killed server leaves: its logs as they are on the disk at this moment.
        var left = Directory.CreateDirectory(server.PathOf("left")).FullName;
        CopyTo(Path.Combine(server.Data, "logs"), Path.Combine(left, "logs"));
        await using var back = await TestServer.StartAsync(server.Root, left);
        await TestServer.UntilAsync(() => back.Sessions.Find(id) is not null, "the session is back");

        Assert.Equal(expected, await back.LiveMarkdownAsync(id));
        Assert.Equal("off", await back.RuntimeAsync(id));
        await using var page = new TestPage(back);
        var view = (await page.JoinAsync(id)).View!;
        Assert.Equal("aborted", view.Cells["cell-0001"].Validity);
        Assert.Contains("The runtime was lost", Assert.Single(view.Notices.Values).Text, StringComparison.Ordinal);
        await back.StopAsync();
    }

    private static void CopyTo(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var directory in Directory.EnumerateDirectories(from))
            CopyTo(directory, Path.Combine(to, Path.GetFileName(directory)));
        foreach (var file in Directory.EnumerateFiles(from))
        {
            // The other server has its own open.
            using var source = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var copy = File.Create(Path.Combine(to, Path.GetFileName(file)));
            source.CopyTo(copy);
        }
    }
}
