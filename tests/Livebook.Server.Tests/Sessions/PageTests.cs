using System.Text.Json.Nodes;
using Livebook.Core.Sessions;
using Livebook.Core.Text;
using Livebook.Core.Wire;
using Livebook.Server.Sessions;

namespace Livebook.Server.Tests.Sessions;

public sealed class PageTests
{
    private static ClientOperation Insert(long number) => new ClientOperation.InsertCell($"cell-1{number:000}", "section-1");

    private static string[] Inserted(params long[] numbers) => ["setup", "cell-0001", .. numbers.Select(number => $"cell-1{number:000}")];

    /// <summary>What somebody who joins now is shown.</summary>
    private static async Task<JsonNode> FreshAsync(TestServer server, string session)
    {
        await using var page = new TestPage(server, "fresh-0001");
        await page.JoinAsync(session);
        return page.View!;
    }

    [Fact]
    public async Task A_page_is_told_the_condition_joins_and_follows_what_happens()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync("say hello");
        await using var page = new TestPage(server);
        Assert.Equal("alone", (await page.NextAsync<ServerMessage.Condition>()).Status);

        var joined = await page.JoinAsync(id);
        Assert.Equal("say hello", joined.Texts!["cell-0001"].Text);
        Assert.Equal((server.Cluster.Self, server.Cluster.Self), (joined.Node, joined.Owner));

        Assert.IsType<ServerMessage.Accepted>(await page.AskAsync(1, Insert(1)));
        Assert.IsType<ServerMessage.Accepted>(await page.AskAsync(2, new ClientOperation.Evaluate(["cell-0001"])));
        while (page.View!["cells"]!["cell-0001"]!["validity"]!.GetValue<string>() != "evaluated")
            await page.NextAsync<ServerMessage.Entries>();
        Assert.Equal(Inserted(1), page.Cells);
        Assert.True(JsonNode.DeepEquals(await FreshAsync(server, id), page.View), "the patches and the state have come apart");
    }

    [Fact]
    public async Task What_a_page_sends_happens_in_order_and_is_answered_in_order()
    {
        await using var server = await TestServer.StartAsync();
        await using var page = new TestPage(server);
        await page.JoinAsync(await server.CreateAsync());
        for (var number = 1; number <= 50; number++)
            page.Submit(number, number == 20 ? new ClientOperation.DeleteCell("cell-none") : Insert(number));
        for (var number = 1; number <= 50; number++)
        {
            ServerMessage answer;
            do answer = await page.NextAsync<ServerMessage>();
            while (answer is not (ServerMessage.Accepted or ServerMessage.Refused));
            if (number == 20)
                Assert.Equal(new ServerMessage.Refused(20, "the cell is gone"), answer);
            else
                Assert.Equal(number, Assert.IsType<ServerMessage.Accepted>(answer).Ref);
        }
        Assert.Equal(Inserted([.. Enumerable.Range(1, 50).Where(number => number != 20)]), page.Cells);
    }

    [Fact]
    public async Task A_page_that_missed_a_part_of_the_stream_joins_again_and_misses_nothing()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync();
        await using var page = new TestPage(server);
        await page.JoinAsync(id);
        server.Cluster.Loses = (channel, bytes) => channel == Channels.Viewers && ViewerFrame.Parse(bytes).Kind == FrameKind.Entries;
        await server.RenameAsync(id, "Missed");
        server.Cluster.Loses = (_, _) => false;
        await server.AcceptAsync(id, Insert(1));

        Assert.Contains("missing", (await page.NextAsync<ServerMessage.Resync>()).Reason);
        Assert.NotNull((await page.JoinAsync(id, known: true)).View);
        Assert.Equal("Missed", page.View!["name"]!.GetValue<string>());
        // Who has missed nothing is sent nothing.
        Assert.Null((await page.JoinAsync(id, known: true)).View);
    }

    [Fact]
    public async Task What_overtook_a_lost_submission_is_not_taken_and_all_of_it_happens_once_when_sent_again()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync();
        await using var page = new TestPage(server);
        await page.JoinAsync(id);
        await page.AskAsync(1, Insert(1));
        server.Cluster.Loses = (channel, _) => channel == Channels.Submit;
        page.Submit(2, Insert(2));
        server.Cluster.Loses = (_, _) => false;
        page.Submit(3, Insert(3));

        await page.NextAsync<ServerMessage.Resync>();
        await page.JoinAsync(id, known: true);
        Assert.Equal(Inserted(1), page.Cells);
        foreach (var number in new[] { 1, 2, 3 })
            Assert.IsType<ServerMessage.Accepted>(await page.AskAsync(number, Insert(number)));
        Assert.Equal(Inserted(1, 2, 3), page.Cells);
    }

    [Fact]
    public async Task A_lost_refusal_is_a_refusal_again()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync();
        await using var page = new TestPage(server);
        await page.JoinAsync(id);
        server.Cluster.Loses = (channel, bytes) => channel == Channels.Viewers && ViewerFrame.Parse(bytes).Kind == FrameKind.Answer;
        page.Submit(1, new ClientOperation.DeleteCell("cell-none"));
        page.Submit(2, Insert(2));
        while (page.Cells.Length < 3)
            await page.NextAsync<ServerMessage.Entries>();
        server.Cluster.Loses = (_, _) => false;

        // Nobody answers: after a while the page is asked to send it again.
        server.Time.Forward(TimeSpan.FromSeconds(20));
        Assert.Contains("answer is missing", (await page.NextAsync<ServerMessage.Resync>()).Reason);
        await page.JoinAsync(id, known: true);
        Assert.IsType<ServerMessage.Refused>(await page.AskAsync(1, new ClientOperation.DeleteCell("cell-none")));
        Assert.IsType<ServerMessage.Accepted>(await page.AskAsync(2, Insert(2)));
        Assert.Equal(Inserted(2), page.Cells);
    }

    [Fact]
    public async Task The_older_of_two_connections_with_one_client_is_told_to_join_again()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync();
        await using var older = new TestPage(server);
        await older.JoinAsync(id);
        await using var newer = new TestPage(server);
        await newer.JoinAsync(id);

        older.Submit(1, Insert(1));
        await older.NextAsync<ServerMessage.Resync>();
        Assert.IsType<ServerMessage.Accepted>(await newer.AskAsync(2, Insert(2)));
        Assert.Equal(Inserted(2), newer.Cells);
    }

    [Fact]
    public async Task A_page_that_is_too_slow_starts_anew_and_holds_nobody_up()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync();
        await using var slow = new TestPage(server, "client-slow");
        await slow.JoinAsync(id);
        await using var other = new TestPage(server, "client-other");
        await other.JoinAsync(id);
        slow.Full = true;
        for (var number = 1; number <= 10; number++)
            Assert.IsType<ServerMessage.Accepted>(await other.AskAsync(number, Insert(number)));
        await TestServer.UntilAsync(() => slow.Restarts > 0, "the slow page was restarted");
        Assert.Equal(1, slow.Restarts);

        slow.Full = false;
        Assert.Contains("too slow", (await slow.NextAsync<ServerMessage.Resync>()).Reason);
        await slow.JoinAsync(id, known: true);
        Assert.Equal(other.Cells, slow.Cells);
    }

    [Fact]
    public async Task Cursors_follow_the_text_and_leave_with_their_page()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync("0123456789");
        await using var watching = new TestPage(server, "client-watching");
        var revision = (await watching.JoinAsync(id)).Texts!["cell-0001"].Revision;
        var typing = new TestPage(server, "client-typing");
        await typing.JoinAsync(id, user: "Grace");
        await watching.AskAsync(1, new ClientOperation.EditText("cell-0001", "editor-1", revision, [ChangeSet.Of(10, [(0, 0, "abc")])]));

        typing.Handle(new ClientMessage.ReportPresence("cell-0001", revision, [new SelectionRange(4, 6)]));

        while (watching.Clients.GetValueOrDefault("client-typing")?.Cell is null)
            await watching.NextAsync<ServerMessage.Presence>();
        var presence = watching.Clients["client-typing"];
        Assert.Equal(("Grace", revision + 1, new SelectionRange(7, 9)), (presence.Name, presence.Revision, Assert.Single(presence.Ranges)));

        await typing.DisposeAsync();
        while (watching.Clients.ContainsKey("client-typing"))
            await watching.NextAsync<ServerMessage.Presence>();
    }

    [Fact]
    public async Task A_session_that_is_closed_or_was_never_there_sends_its_pages_home()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync();
        await using var page = new TestPage(server);
        await page.JoinAsync(id);
        await server.Sessions.CloseAsync(id, TestServer.Stop);
        Assert.Equal("The session was closed.", (await page.NextAsync<ServerMessage.Gone>()).Reason);
        page.Join("nothing");
        Assert.Contains("no session", (await page.NextAsync<ServerMessage.Gone>()).Reason);
    }

    [Fact]
    public async Task The_home_page_hears_of_new_sessions()
    {
        await using var server = await TestServer.StartAsync();
        await using var page = new TestPage(server);
        page.Handle(new ClientMessage.WatchHome());
        Assert.Empty((await page.NextAsync<ServerMessage.Home>()).Sessions);
        var id = await server.CreateAsync();
        ServerMessage.Home home;
        do home = await page.NextAsync<ServerMessage.Home>();
        while (home.Sessions.IsEmpty);
        Assert.Equal(id, Assert.Single(home.Sessions).Id);
        Assert.Equal("alone", home.Cluster.Status);
    }

    [Fact]
    public async Task A_page_that_does_not_keep_to_the_protocol_is_an_error_of_its_connection()
    {
        await using var server = await TestServer.StartAsync();
        await using var page = new TestPage(server);
        Assert.Throws<InvalidDataException>(() => page.Handle(new ClientMessage.JoinSession("session", "short", "Ada", "1")));
    }
}
