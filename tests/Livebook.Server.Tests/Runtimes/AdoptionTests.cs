using Livebook.Protocol;
using Livebook.Server.Runtimes;

namespace Livebook.Server.Tests.Runtimes;

public sealed class AdoptionTests : IAsyncDisposable
{
    private readonly FakeRuntimeHost _host = new();
    private readonly Hearing _before = new();
    private readonly Hearing _after = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static void Evaluate(IRuntime runtime, int number, string source) => runtime.Send(new RuntimeCommand.Evaluate("c1", number, "csharp", source, []));

    private Task<IRuntime?> AdoptAsync(ProcessRuntimes server, string id, long epoch = 2) =>
        server.AdoptAsync(_host.Request(epoch: epoch), id, _before.Last, _after.OnReport, _after.OnDown, Stop);

    /// <summary>A runtime that has said something to a server that is gone.</summary>
    private async Task<IRuntime> LeaveAsync()
    {
        var server = _host.Server();
        var runtime = await server.StartAsync(_host.Request(), _before.OnReport, _before.OnDown, Stop);
        Evaluate(runtime, 1, "say before");
        Assert.Equal("before", await _before.TextAsync());
        await FakeRuntimeHost.UntilAsync(() => _before.Heard == 3, "the evaluation is finished");
        Evaluate(runtime, 2, "keep");
        runtime.Detach();
        await server.DisposeAsync();
        return runtime;
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_returning_server_finds_the_runtime_and_misses_no_report()
    {
        var left = await LeaveAsync();
        Assert.True(FakeRuntimeHost.Lives(left.Pid));

        var runtime = await AdoptAsync(_host.Server(), left.Id);

        Assert.NotNull(runtime);
        Assert.Equal((left.Id, left.Pid, "fake"), (runtime.Id, runtime.Pid, runtime.Framework));
        Assert.Equal("kept", await _after.TextAsync());
        Evaluate(runtime, 3, "say after");
        Assert.Equal("after", await _after.TextAsync());
        Assert.Equal(0, _before.Downs);
    }

    [Fact]
    public async Task An_adopted_runtime_is_stopped_with_all_that_is_left_of_it()
    {
        var left = await LeaveAsync();
        var runtime = await AdoptAsync(_host.Server(), left.Id);

        await runtime!.StopAsync();

        await FakeRuntimeHost.UntilAsync(() => !FakeRuntimeHost.Lives(left.Pid), "the process is gone");
        Assert.Equal(1, _after.Downs);
        Assert.Empty(Directory.EnumerateFiles(_host.Records));
    }

    [Fact]
    public async Task The_death_of_an_adopted_runtime_is_told()
    {
        var left = await LeaveAsync();
        await AdoptAsync(_host.Server(), left.Id);

        ProcessTree.KillOne(left.Pid);

        Assert.Contains("ended", await _after.Down, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_runtime_that_died_meanwhile_is_not_adopted()
    {
        var left = await LeaveAsync();
        ProcessTree.KillGroup(left.Pid);
        await FakeRuntimeHost.UntilAsync(() => !FakeRuntimeHost.Lives(left.Pid), "the process is gone");

        Assert.Null(await AdoptAsync(_host.Server(), left.Id));
        Assert.Empty(Directory.EnumerateFiles(_host.Records));
    }

    [Fact]
    public async Task A_later_process_with_the_same_number_is_neither_adopted_nor_killed()
    {
        var folder = new RuntimeFolder(_host.DataPath);
        folder.Write(new RuntimeRecord("abc", Environment.ProcessId, 1, "key", "s1", 1, folder.SocketOf("abc"), "fake"));

        Assert.Null(await AdoptAsync(_host.Server(), "abc"));

        Assert.Empty(folder.Records());
    }

    [Fact]
    public async Task A_new_runtime_of_a_session_ends_the_older_one_of_an_earlier_server()
    {
        var left = await LeaveAsync();

        await _host.Server().StartAsync(_host.Request(epoch: 2), _after.OnReport, _after.OnDown, Stop);

        await FakeRuntimeHost.UntilAsync(() => !FakeRuntimeHost.Lives(left.Pid), "the older one is gone");
        Assert.Equal(2, Assert.Single(new RuntimeFolder(_host.DataPath).Records()).Epoch);
    }

    [Fact]
    public async Task A_new_runtime_of_a_session_ends_the_older_one_of_this_server()
    {
        var server = _host.Server();
        var older = await server.StartAsync(_host.Request(), _before.OnReport, _before.OnDown, Stop);

        await server.StartAsync(_host.Request(epoch: 2), _after.OnReport, _after.OnDown, Stop);

        Assert.Equal("The session has a new runtime.", await _before.Down);
        Assert.False(FakeRuntimeHost.Lives(older.Pid));
        Assert.Equal(0, _after.Downs);
    }

    [Fact]
    public async Task An_owner_of_a_lower_epoch_gets_no_runtime()
    {
        var server = _host.Server();
        var runtime = await server.StartAsync(_host.Request(epoch: 5), _before.OnReport, _before.OnDown, Stop);
        runtime.Detach();
        await server.DisposeAsync();

        await Assert.ThrowsAsync<RuntimeStartException>(() => _host.Server().StartAsync(_host.Request(epoch: 4), _after.OnReport, _after.OnDown, Stop));

        Assert.True(FakeRuntimeHost.Lives(runtime.Pid));
    }

    [Fact]
    public async Task An_owner_of_a_lower_epoch_does_not_adopt()
    {
        var left = await LeaveAsync();

        Assert.Null(await AdoptAsync(_host.Server(), left.Id, epoch: 0));

        Assert.True(FakeRuntimeHost.Lives(left.Pid));
    }

    [Fact]
    public async Task The_start_of_a_server_removes_what_no_session_can_want()
    {
        var left = await LeaveAsync();
        var folder = new RuntimeFolder(_host.DataPath);
        var record = folder.Find(left.Id)!;
        using var spare = System.Diagnostics.Process.Start("sleep", "1000");
        folder.Write(
            record with
            {
                Id = "spare",
                Session = null,
                Pid = spare.Id,
                StartedAt = ProcessTree.StartTime(spare.Id)!.Value,
                Socket = folder.SocketOf("spare"),
            }
        );
        folder.Write(record with { Id = "dead", StartedAt = 1, Socket = folder.SocketOf("dead") });
        File.WriteAllText(Path.Combine(_host.Records, "stray.sock"), "");

        _host.Server();

        Assert.Equal(left.Id, Assert.Single(folder.Records()).Id);
        await FakeRuntimeHost.UntilAsync(() => !FakeRuntimeHost.Lives(spare.Id), "the spare is gone");
        Assert.True(FakeRuntimeHost.Lives(left.Pid));
        Assert.All(Directory.EnumerateFiles(_host.Records), file => Assert.StartsWith(left.Id, Path.GetFileName(file), StringComparison.Ordinal));
    }
}
