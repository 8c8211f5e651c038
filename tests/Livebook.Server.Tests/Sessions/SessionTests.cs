using Livebook.Core.Sessions;
using Livebook.Server.Sessions;

namespace Livebook.Server.Tests.Sessions;

public sealed class SessionTests
{
    private static CancellationToken Stop => TestServer.Stop;

    [Fact]
    public async Task A_session_is_made_changed_evaluated_and_listed()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync("say hello");
        var made = await server.AcceptAsync(id, new ClientOperation.InsertCell("cell-0002", "section-1"));
        Assert.Equal("cell-0002", made.Resource);

        Assert.Equal("hello", await server.EvaluateAsync(id));

        Assert.Equal(
            "hello",
            (await server.QueryAsync(id, "evaluations", ("cells", "cell-0001")))["evaluations"]![0]!["outputs"]![0]!["data"]!["text/plain"]!.GetValue<string>()
        );
        await TestServer.UntilAsync(() => server.Sessions.Find(id) is { Evaluated: 1, Runtime: "idle" }, "the list has heard of it");
        var summary = Assert.Single(server.Sessions.List());
        Assert.Equal((id, "Example", server.Cluster.Self), (summary.Id, summary.Name, summary.Node));
    }

    [Fact]
    public async Task The_same_key_makes_one_session_and_one_cell()
    {
        await using var server = await TestServer.StartAsync();
        var one = await server.Sessions.CreateAsync(new(), [], "key", Stop);
        var again = await server.Sessions.CreateAsync(new(), [], "key", Stop);
        Assert.Equal((one.Id, true), (again.Id, again.Existing));

        var insert = new ClientOperation.InsertSection("section-0001");
        Assert.Equal(await server.SubmitAsync(one.Id, insert, "insert"), await server.SubmitAsync(one.Id, insert, "insert"));
        Assert.Contains("taken", (await server.SubmitAsync(one.Id, insert)).Error);
    }

    [Fact]
    public async Task An_unknown_session_is_said_to_be_unknown()
    {
        await using var server = await TestServer.StartAsync();
        await Assert.ThrowsAsync<SessionNotFoundException>(() => server.SubmitAsync("nothing", new ClientOperation.Save()));
    }

    [Fact]
    public async Task Outputs_beyond_the_limit_are_cut_with_a_notice()
    {
        await using var server = await TestServer.StartAsync(limits: new ServerLimits { OutputBytes = 20_000 });
        var id = await server.CreateAsync($"say {new string('x', 12_000)}");
        Assert.Contains("Output was cut here", await server.EvaluateAsync(id));
        await server.AcceptAsync(id, new ClientOperation.PatchText("cell-0001", "test", Source: "say short"));
        Assert.Equal("short", await server.EvaluateAsync(id));
    }

    [Fact]
    public async Task With_little_room_on_the_disk_nothing_is_changed_and_it_is_said()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync();
        server.FreeBytes = 1024 * 1024;
        server.Time.Forward(TimeSpan.FromSeconds(2));

        Assert.Contains("1 MB left", (await server.SubmitAsync(id, new ClientOperation.RenameNotebook("Lost"))).Error);
        var refused = await Assert.ThrowsAsync<SessionRefusedException>(() => server.CreateAsync());
        Assert.Equal("disk_full", refused.Kind);
        Assert.Equal("Example", await server.NameAsync(id));

        server.FreeBytes = 1L << 40;
        server.Time.Forward(TimeSpan.FromSeconds(2));
        await server.RenameAsync(id, "Kept");
    }

    [Fact]
    public async Task What_the_disk_refuses_is_refused_and_what_was_acknowledged_stays()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync();
        await server.RenameAsync(id, "Acknowledged");
        server.Cluster.DiskError = new IOException("No space left on device");

        Assert.Contains("No space left on device", (await server.SubmitAsync(id, new ClientOperation.RenameNotebook("Lost"))).Error);

        Assert.Equal("Acknowledged", await server.NameAsync(id));
        server.Cluster.DiskError = null;
        await server.AcceptAsync(id, new ClientOperation.InsertSection("section-0002"));
        await server.StopAsync();
        await using var back = await TestServer.StartAsync(server.Root);
        await TestServer.UntilAsync(() => back.Sessions.Find(id) is not null, "the session is back");
        Assert.Equal("Acknowledged", await back.NameAsync(id));
    }

    private sealed record Broken : ClientOperation;

    [Fact]
    public async Task A_rule_that_fails_refuses_its_operation_and_the_session_goes_on()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync("wait");
        await server.AcceptAsync(id, new ClientOperation.Evaluate(["cell-0001"]));

        var reply = await server.Server.Host.Find(id)!.SubmitAsync(new Broken(), default);

        Assert.Contains("error in the server", reply.Error);
        await server.RenameAsync(id, "Goes on");
        await TestServer.UntilAsync(async () => await server.RuntimeAsync(id) == "busy", "the cell runs");
    }

    [Fact]
    public async Task A_session_that_fails_goes_on_from_its_log()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync("say hello");
        await server.EvaluateAsync(id);
        var failed = server.Server.Host.Find(id)!;
        await server.RenameAsync(id, "Safe");

        // The clients' map of texts is read in the session's own loop: a null there stands for any fault outside the rules.
        var join = new Livebook.Server.Sessions.SessionRequest.Join(id, "stream", null!, "name", "1", null, null, null);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => failed.JoinAsync(server.Cluster.Self, join));

        await TestServer.UntilAsync(() => server.Server.Host.Find(id) != failed, "another one has taken over");
        Assert.Equal("Safe", await server.NameAsync(id));
        await TestServer.UntilAsync(() => server.Runtimes.Started.First().IsDown, "the runtime of the one that failed has ended");
        Assert.Equal("hello", await server.EvaluateAsync(id));
    }
}
