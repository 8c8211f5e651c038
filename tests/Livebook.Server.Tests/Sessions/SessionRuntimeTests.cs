using Livebook.Core.Sessions;
using Livebook.Protocol;
using Livebook.Server.Runtimes;
using Livebook.Server.Tests.Runtimes;

namespace Livebook.Server.Tests.Sessions;

public sealed class SessionRuntimeTests
{
    private static readonly ClientOperation Evaluate = new ClientOperation.Evaluate(["cell-0001"]);

    [Fact]
    public async Task A_runtime_that_dies_while_it_is_handed_over_is_down()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync("wait");
        server.Runtimes.OnStart = runtime =>
        {
            runtime.Die("It crashed at once.");
            return Task.CompletedTask;
        };

        await server.AcceptAsync(id, Evaluate);

        await TestServer.UntilAsync(async () => await server.RuntimeAsync(id) == "down", "the session knows that the runtime is gone");
        server.Runtimes.OnStart = _ => Task.CompletedTask;
        await server.AcceptAsync(id, new ClientOperation.PatchText("cell-0001", "test", Source: "say again"));
        Assert.Equal("again", await server.EvaluateAsync(id));
    }

    [Fact]
    public async Task A_start_that_was_overtaken_by_a_restart_is_stopped_and_not_used()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync("say done");
        var first = new TaskCompletionSource();
        server.Runtimes.OnStart = runtime => runtime.Id == "fake-1" ? first.Task : Task.CompletedTask;
        await server.AcceptAsync(id, Evaluate);
        await TestServer.UntilAsync(() => server.Runtimes.Started.Length == 1, "the first start is under way");

        await server.AcceptAsync(id, new ClientOperation.RestartRuntime());
        first.SetResult();

        await TestServer.UntilAsync(() => server.Runtimes.Started is [{ IsDown: true }, { IsDown: false }], "the first is stopped");
        Assert.Equal("done", await server.EvaluateAsync(id));
        Assert.Equal("idle", await server.RuntimeAsync(id));
        Assert.DoesNotContain(server.Runtimes.Started[0].Commands, command => command is RuntimeCommand.Evaluate);
    }

    [Fact]
    public async Task Restarting_again_and_again_leaves_one_runtime()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync("say done");
        server.Runtimes.OnStart = async _ => await Task.Yield();
        for (var round = 0; round < 50; round++)
            await server.AcceptAsync(id, round % 3 == 2 ? Evaluate : new ClientOperation.RestartRuntime());
        await TestServer.UntilAsync(async () => await server.RuntimeAsync(id) == "idle", "the last runtime is connected");
        await TestServer.UntilAsync(() => server.Runtimes.Started.Count(runtime => !runtime.IsDown) == 1, "the others are stopped");
        Assert.False(server.Runtimes.Started[^1].IsDown);
        Assert.Equal("done", await server.EvaluateAsync(id));
    }

    [Fact]
    public async Task A_disconnected_runtime_stays_disconnected_although_it_was_starting()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync("wait");
        var gate = new TaskCompletionSource();
        server.Runtimes.OnStart = _ => gate.Task;
        await server.AcceptAsync(id, Evaluate);
        await server.AcceptAsync(id, new ClientOperation.DisconnectRuntime());
        gate.SetResult();
        await TestServer.UntilAsync(() => server.Runtimes.Started is [{ IsDown: true }], "it is stopped");
        Assert.Equal("off", await server.RuntimeAsync(id));
    }

    [Fact]
    public async Task Why_no_runtime_could_be_started_is_said()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync("wait");
        server.Runtimes.OnStart = _ => throw new RuntimeStartException("There is no such program.");
        await server.AcceptAsync(id, Evaluate);
        await TestServer.UntilAsync(async () => await server.RuntimeAsync(id) == "down", "the start has failed");
        await using var page = new TestPage(server);
        Assert.Equal("There is no such program.", (await page.JoinAsync(id)).View!.Runtime.Message);
    }

    [Fact]
    public async Task Cells_of_branches_are_evaluated_in_flows_of_their_own()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.CreateAsync("say main");
        await server.AcceptAsync(id, new ClientOperation.InsertSection("section-0002", Parent: "section-1"));
        await server.AcceptAsync(id, new ClientOperation.InsertCell("cell-0002", "section-0002", Source: "say branch"));
        Assert.Equal("branch", await server.EvaluateAsync(id, "cell-0002"));
        var sent = server.Runtimes.Started[0].Commands.OfType<RuntimeCommand.Evaluate>();
        Assert.Equal(["main", "section-0002"], sent.Select(command => command.Flow));
    }

    [Fact]
    public async Task A_process_evaluates_crashes_and_is_gone_with_its_server()
    {
        await using var host = new FakeRuntimeHost();
        await using var server = await TestServer.StartAsync(processes: host.Server());
        var id = await server.CreateAsync("say hello");
        Assert.Equal("hello", await server.EvaluateAsync(id));
        await server.AcceptAsync(id, new ClientOperation.PatchText("cell-0001", "test", Source: "die"));
        await server.AcceptAsync(id, Evaluate);
        await TestServer.UntilAsync(async () => await server.RuntimeAsync(id) == "down", "the crash is known");
        await server.AcceptAsync(id, new ClientOperation.PatchText("cell-0001", "test", Source: "say back"));
        Assert.Equal("back", await server.EvaluateAsync(id));

        var pids = new RuntimeFolder(host.DataPath).Records().Select(record => record.Pid).ToArray();
        await server.StopAsync();
        Assert.All(pids, pid => Assert.False(FakeRuntimeHost.Lives(pid)));
        Assert.Single(pids);
    }
}
