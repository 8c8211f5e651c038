using System.Collections.Immutable;
using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Livebook.Cluster;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Server.Files;
using Livebook.Server.Runtimes;
using Livebook.Server.Sessions;
using Microsoft.Extensions.Logging.Abstractions;

namespace Livebook.Server.Tests.Sessions;

/// <summary>A whole server on a lone node, with directories of its own.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private bool _stopped;

    private TestServer(string root, string data, LivebookServer server, TestCluster cluster, FakeRuntimes runtimes, ShiftedTime time, NotebookFiles files)
    {
        Root = root;
        Data = data;
        Server = server;
        Cluster = cluster;
        Runtimes = runtimes;
        Time = time;
        Files = files;
    }

    public static CancellationToken Stop => TestContext.Current.CancellationToken;

    public string Root { get; }

    public string Data { get; }

    public LivebookServer Server { get; }

    public TestCluster Cluster { get; }

    public FakeRuntimes Runtimes { get; }

    public ShiftedTime Time { get; }

    public NotebookFiles Files { get; }

    /// <summary>Bytes that the disk says are free.</summary>
    public long FreeBytes { get; set; } = 1L << 40;

    public Server.Sessions.Sessions Sessions => Server.Sessions;

    /// <param name="root">Directory for everything; null = a new one.</param>
    /// <param name="data">Data path; null = below <paramref name="root"/>.</param>
    /// <param name="processes">Runtimes to use in place of the fake ones.</param>
    public static async Task<TestServer> StartAsync(string? root = null, string? data = null, ServerLimits? limits = null, IRuntimes? processes = null)
    {
        root ??= Directory.CreateTempSubdirectory("lbs").FullName;
        data ??= Directory.CreateDirectory(Path.Combine(root, "data")).FullName;
        var time = new ShiftedTime();
        var logs = NullLoggerFactory.Instance;
        var cluster = new TestCluster(ClusterNode.Create(new ClusterOptions { Node = "livebook@127.0.0.1", DataPath = data }, logs, time));
        var runtimes = new FakeRuntimes();
        var files = new NotebookFiles(Path.Combine(data, "locks"));
        TestServer? made = null;
        var server = new LivebookServer(
            new ServerOptions
            {
                DataPath = data,
                Home = root,
                IdSecret = new byte[32],
                Limits = limits ?? new ServerLimits(),
            },
            cluster,
            processes ?? runtimes,
            files,
            new DiskSpace(data, _ => made?.FreeBytes ?? long.MaxValue),
            logs,
            time
        );
        made = new TestServer(root, data, server, cluster, runtimes, time, files);
        await server.StartAsync(Stop);
        await UntilAsync(() => cluster.Status == NodeStatus.Alone && !cluster.Members.IsEmpty, "the node is alone");
        return made;
    }

    public static Task UntilAsync(Func<bool> holds, string what) => UntilAsync(() => Task.FromResult(holds()), what);

    public static async Task UntilAsync(Func<Task<bool>> holds, string what)
    {
        var waited = Stopwatch.StartNew();
        while (!await holds())
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(30), $"waited in vain until {what}");
            await Task.Delay(10, Stop);
        }
    }

    public string PathOf(string name) => Path.Combine(Root, name);

    /// <summary>A new session with one cell, <c>cell-0001</c>.</summary>
    public async Task<string> CreateAsync(string source = "", string? key = null)
    {
        var notebook = NewNotebook.Make("Example");
        var opened = await Sessions.CreateAsync(notebook, [], key, Stop);
        if (source.Length > 0)
            await AcceptAsync(opened.Id, new ClientOperation.PatchText("cell-0001", "test", Source: source));
        return opened.Id;
    }

    public Task<SubmitReply> SubmitAsync(string session, ClientOperation operation, string? key = null) =>
        Sessions.SubmitAsync(session, operation, "tester", key, Stop);

    /// <summary>Submits what must be accepted.</summary>
    public async Task<SubmitReply> AcceptAsync(string session, ClientOperation operation)
    {
        var reply = await SubmitAsync(session, operation);
        Assert.Null(reply.Error);
        return reply;
    }

    public Task RenameAsync(string session, string name) => AcceptAsync(session, new ClientOperation.RenameNotebook(name));

    /// <summary>Evaluates a cell to its end and gives the text of its outputs.</summary>
    public async Task<string> EvaluateAsync(string session, string cell = "cell-0001")
    {
        await AcceptAsync(session, new ClientOperation.Evaluate([cell]));
        await Sessions.WaitAsync(session, [cell], TimeSpan.FromSeconds(30), Stop);
        var outputs = (await QueryAsync(session, "cell", ("cell", cell)))["outputs"]!.AsArray();
        return string.Concat(outputs.Select(output => output!["data"]!["text/plain"]!.GetValue<string>()));
    }

    public async Task<JsonNode> QueryAsync(string session, string what, params (string Name, string Value)[] parameters)
    {
        var reply = await Sessions.QueryAsync(session, what, parameters.ToImmutableDictionary(p => p.Name, p => p.Value), Stop);
        Assert.NotNull(reply.ContentType);
        return JsonNode.Parse(reply.Body)!;
    }

    public async Task<string> NameAsync(string session) => (await QueryAsync(session, "session"))["name"]!.GetValue<string>();

    public async Task<JsonNode> FileAsync(string session) => await QueryAsync(session, "file");

    public async Task<string> FileStateAsync(string session) => (await FileAsync(session))["state"]!.GetValue<string>();

    public async Task<string> RuntimeAsync(string session) => (await QueryAsync(session, "session"))["runtime"]!["status"]!.GetValue<string>();

    /// <summary>The notebook as its file would read.</summary>
    public async Task<string> LiveMarkdownAsync(string session)
    {
        var reply = await Sessions.QueryAsync(session, "notebook", ImmutableDictionary<string, string>.Empty.Add("format", "livemd"), Stop);
        return Encoding.UTF8.GetString(reply.Body);
    }

    /// <summary>Ends the server and leaves its directories.</summary>
    public async Task StopAsync()
    {
        if (_stopped)
            return;
        _stopped = true;
        await Server.DisposeAsync();
        Files.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (Directory.Exists(Root))
            Directory.Delete(Root, recursive: true);
    }
}

/// <summary>The system's time, moved forward.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    private long _ticks;

    public void Forward(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Volatile.Read(ref _ticks));
}
