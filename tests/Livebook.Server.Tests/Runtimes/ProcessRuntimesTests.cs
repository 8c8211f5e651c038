using System.Globalization;
using Livebook.Protocol;
using Livebook.Server.Runtimes;

namespace Livebook.Server.Tests.Runtimes;

public sealed class ProcessRuntimesTests : IAsyncDisposable
{
    private readonly FakeRuntimeHost _host = new();
    private readonly Hearing _hearing = new();
    private int _evaluations;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private Task<IRuntime> StartAsync(ProcessRuntimes server, RuntimeRequest? request = null, Hearing? hearing = null) =>
        server.StartAsync(request ?? _host.Request(), (hearing ?? _hearing).OnReport, (hearing ?? _hearing).OnDown, Stop);

    private void Evaluate(IRuntime runtime, string source) => runtime.Send(new RuntimeCommand.Evaluate("c1", ++_evaluations, "csharp", source, []));

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_started_runtime_is_assigned_evaluates_and_tells()
    {
        var runtime = await StartAsync(_host.Server());

        Evaluate(runtime, "assigned");

        Assert.Equal($"s1 1 {_host.DataPath}", await _hearing.TextAsync());
        Assert.Equal("fake", runtime.Framework);
        Assert.True(FakeRuntimeHost.Lives(runtime.Pid));
    }

    [Fact]
    public async Task Neither_secrets_nor_the_key_reach_environment_or_arguments()
    {
        Environment.SetEnvironmentVariable("LIVEBOOK_PASSWORD", "secret");
        Environment.SetEnvironmentVariable("LB_TEST", "secret");
        Environment.SetEnvironmentVariable("RELEASE_COOKIE", "secret");
        Environment.SetEnvironmentVariable("TEST_HIDDEN", "secret");
        Environment.SetEnvironmentVariable("TEST_SHOWN", "shown");
        var runtime = await StartAsync(_host.Server());
        var key = new RuntimeFolder(_host.DataPath).Find(runtime.Id)!.Key;

        Evaluate(runtime, "environment");
        Evaluate(runtime, "arguments");

        var names = (await _hearing.TextAsync()).Split('\n');
        Assert.Contains("TEST_SHOWN", names);
        Assert.DoesNotContain(names, name => name.StartsWith("LIVEBOOK_", StringComparison.Ordinal) || name.StartsWith("LB_", StringComparison.Ordinal));
        Assert.DoesNotContain("RELEASE_COOKIE", names);
        Assert.DoesNotContain("TEST_HIDDEN", names);
        Assert.DoesNotContain(key, await _hearing.TextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sockets_and_keys_are_for_the_owner_only()
    {
        var runtime = await StartAsync(_host.Server());

        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(owner | UnixFileMode.UserExecute, File.GetUnixFileMode(_host.Records));
        Assert.Equal(owner, File.GetUnixFileMode(Path.Combine(_host.Records, runtime.Id + ".json")));
    }

    [Fact]
    public async Task A_data_path_too_long_for_sockets_uses_a_private_temporary_directory()
    {
        var deep = Path.Combine(_host.DataPath, new string('d', 120));
        var runtime = await StartAsync(_host.Server(dataPath: deep));
        var socket = new RuntimeFolder(deep).Find(runtime.Id)!.Socket;

        Assert.True(File.Exists(socket));
        Assert.True(socket.Length <= 100);
        await runtime.StopAsync();

        Assert.False(Directory.Exists(Path.GetDirectoryName(socket)));
    }

    [Fact]
    public async Task Reports_come_in_order_and_few_come_before_the_first_is_stored()
    {
        var gate = new TaskCompletionSource();
        var runtime = await StartAsync(_host.Server());
        Evaluate(runtime, "say first");
        Assert.Equal("first", await _hearing.TextAsync());
        await FakeRuntimeHost.UntilAsync(() => _hearing.Heard == 3, "the first evaluation is finished");
        _hearing.Gate = gate.Task;
        Evaluate(runtime, "spam 300");

        const int window = 16;
        for (var count = 0; count < window; count++)
            Assert.Equal(count.ToString(CultureInfo.InvariantCulture), await _hearing.TextAsync());
        Assert.Equal(3 + window, _hearing.Heard);
        gate.SetResult();

        for (var count = window; count < 300; count++)
            Assert.Equal(count.ToString(CultureInfo.InvariantCulture), await _hearing.TextAsync());
    }

    [Fact]
    public async Task Reports_are_acknowledged_in_batches_once_they_are_done_with()
    {
        var runtime = await StartAsync(_host.Server());
        Evaluate(runtime, "spam 1000");
        await FakeRuntimeHost.UntilAsync(() => _hearing.Heard == 1002, "all is heard");
        var counts = Array.Empty<int>();
        for (var count = 0; count < 1000; count++)
            await _hearing.TextAsync();

        while (counts is not [_, <= 3])
        {
            Evaluate(runtime, "acknowledgements");
            counts = [.. (await _hearing.TextAsync()).Split(' ').Select(int.Parse)];
        }

        Assert.InRange(counts[0], 1, 500);
    }

    [Theory]
    [InlineData("exit 3", "exit code 3")]
    [InlineData("exit 0", "exit code 0")]
    [InlineData("die", "signal 9")]
    [InlineData("close", "closed its connection")]
    [InlineData("gap", "broke the protocol")]
    [InlineData("garbage", "broke the protocol")]
    public async Task A_runtime_that_is_gone_or_misbehaves_is_told_once_and_leaves_nothing(string source, string words)
    {
        var runtime = await StartAsync(_host.Server());

        Evaluate(runtime, "child");
        var child = int.Parse(await _hearing.TextAsync(), CultureInfo.InvariantCulture);
        Evaluate(runtime, source);

        Assert.Contains(words, await _hearing.Down, StringComparison.Ordinal);
        await FakeRuntimeHost.UntilAsync(() => !FakeRuntimeHost.Lives(runtime.Pid) && !FakeRuntimeHost.Lives(child), "the processes are gone");
        Assert.Empty(Directory.EnumerateFiles(_host.Records));
        await runtime.StopAsync();
        Assert.Equal(1, _hearing.Downs);
    }

    [Fact]
    public async Task What_a_runtime_said_before_it_died_is_heard_first()
    {
        var runtime = await StartAsync(_host.Server());

        Evaluate(runtime, "die");

        Assert.Equal("dying", await _hearing.TextAsync());
        await _hearing.Down;
    }

    [Theory]
    [InlineData("say hello")]
    [InlineData("deaf")]
    public async Task Stopping_ends_the_process_and_its_children_also_when_it_does_not_listen(string source)
    {
        var runtime = await StartAsync(_host.Server());
        Evaluate(runtime, "child");
        var child = int.Parse(await _hearing.TextAsync(), CultureInfo.InvariantCulture);
        Evaluate(runtime, source);

        await runtime.StopAsync();

        await FakeRuntimeHost.UntilAsync(() => !FakeRuntimeHost.Lives(runtime.Pid) && !FakeRuntimeHost.Lives(child), "the processes are gone");
        Assert.Equal("The runtime was stopped.", await _hearing.Down);
        Assert.Empty(Directory.EnumerateFiles(_host.Records));
    }

    [Theory]
    [InlineData("exit", "exit code 7")]
    [InlineData("protocol", "protocol 99")]
    public async Task A_runtime_that_cannot_start_says_why(string mode, string words)
    {
        var error = await Assert.ThrowsAsync<RuntimeStartException>(() => StartAsync(_host.Server(mode)));

        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(_host.Records));
        Assert.Equal(0, _hearing.Downs);
    }

    [Fact]
    public async Task A_runtime_that_does_not_answer_in_time_is_given_up_and_killed()
    {
        var error = await Assert.ThrowsAsync<RuntimeStartException>(() => StartAsync(_host.Server("silent", startTimeout: TimeSpan.FromSeconds(1))));

        Assert.Contains("1 s", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(_host.Records));
    }

    [Fact]
    public async Task A_missing_program_is_named()
    {
        await using var server = new ProcessRuntimes(
            new RuntimeOptions
            {
                DataPath = _host.DataPath,
                Program = "/nowhere/livebook-runtime",
                Spares = 0,
            },
            Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance,
            TimeProvider.System
        );

        var error = await Assert.ThrowsAsync<RuntimeStartException>(() => StartAsync(server));

        Assert.Contains("/nowhere/livebook-runtime", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_spare_is_handed_over_and_replaced()
    {
        var server = _host.Server(spares: 1);
        await FakeRuntimeHost.UntilAsync(() => server.SparesReady == 1, "the spare is ready");
        var spare = Assert.Single(new RuntimeFolder(_host.DataPath).Records());

        var runtime = await StartAsync(server);

        Assert.Equal(spare.Id, runtime.Id);
        Evaluate(runtime, "assigned");
        Assert.StartsWith("s1 1", await _hearing.TextAsync(), StringComparison.Ordinal);
        await FakeRuntimeHost.UntilAsync(() => server.SparesReady == 1, "it was replaced");
    }

    [Fact]
    public async Task A_spare_that_died_is_not_handed_over_but_replaced()
    {
        var server = _host.Server(spares: 1);
        await FakeRuntimeHost.UntilAsync(() => server.SparesReady == 1, "the spare is ready");
        var dead = Assert.Single(new RuntimeFolder(_host.DataPath).Records());
        ProcessTree.KillOne(dead.Pid);
        await FakeRuntimeHost.UntilAsync(() => server.SparesReady == 1 && new RuntimeFolder(_host.DataPath).Find(dead.Id) is null, "it was replaced");

        var runtime = await StartAsync(server);

        Assert.NotEqual(dead.Id, runtime.Id);
        Evaluate(runtime, "say alive");
        Assert.Equal("alive", await _hearing.TextAsync());
    }

    [Fact]
    public async Task The_end_of_the_server_ends_spares_and_runtimes()
    {
        var server = _host.Server(spares: 1);
        var runtime = await StartAsync(server);
        await FakeRuntimeHost.UntilAsync(() => server.SparesReady == 1, "the spare is ready");
        var pids = new RuntimeFolder(_host.DataPath).Records().Select(record => record.Pid).ToArray();

        await server.DisposeAsync();

        Assert.Equal(2, pids.Length);
        Assert.Contains(runtime.Pid, pids);
        Assert.All(pids, pid => Assert.False(FakeRuntimeHost.Lives(pid)));
        Assert.Empty(Directory.EnumerateFiles(_host.Records));
    }
}
