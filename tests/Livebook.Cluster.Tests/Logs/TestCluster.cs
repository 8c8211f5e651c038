using System.Collections.Concurrent;
using System.Text;
using Livebook.Cluster.Logs;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Livebook.Cluster.Tests.Logs;

/// <summary>Time that moves when it is told to. Timers fire on the caller's thread.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Lock gate = new();
    private readonly List<Timer> timers = [];
    private TimeSpan now = TimeSpan.FromHours(1);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        lock (gate)
        {
            return now.Ticks;
        }
    }

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch + TimeSpan.FromTicks(GetTimestamp());

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        lock (gate)
        {
            var timer = new Timer(this, () => callback(state), now + dueTime, period);
            timers.Add(timer);
            return timer;
        }
    }

    public void Advance(TimeSpan by)
    {
        var until = GetTimestamp() + by.Ticks;
        while (true)
        {
            Timer? due;
            lock (gate)
            {
                due = timers.Where(timer => timer.Due.Ticks <= until).MinBy(timer => timer.Due);
                now = TimeSpan.FromTicks(due is null ? until : Math.Max(now.Ticks, due.Due.Ticks));
                due?.Due += due.Period;
            }
            if (due is null)
            {
                return;
            }
            due.Fire();
        }
    }

    private sealed class Timer(ManualTime time, Action fire, TimeSpan due, TimeSpan period) : ITimer
    {
        public TimeSpan Due { get; set; } = due;

        public TimeSpan Period => period;

        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan newPeriod) => throw new NotSupportedException();

        public void Dispose()
        {
            lock (time.gate)
            {
                time.timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>Notes what it is told; keeps each owned log and what it was adopted with.</summary>
internal sealed class RecordingHost : ILogHost
{
    private readonly ConcurrentDictionary<string, int> inside = new();

    public ConcurrentDictionary<string, IOwnedLog> Owned { get; } = new();

    public ConcurrentDictionary<string, LogContents> Contents { get; } = new();

    public ConcurrentQueue<string> Story { get; } = new();

    public bool Overlapped { get; private set; }

    public async Task AdoptAsync(IOwnedLog log, LogContents contents, OwnershipReason reason, CancellationToken stop)
    {
        Enter(log.Id);
        await Task.Yield();
        Contents[log.Id] = contents;
        Owned[log.Id] = log;
        Story.Enqueue($"adopt {log.Id} {reason} {log.Epoch}");
        Leave(log.Id);
    }

    public async Task ReleaseAsync(string id, OwnershipReason reason)
    {
        Enter(id);
        await Task.Yield();
        Owned.TryRemove(id, out _);
        Story.Enqueue($"release {id} {reason}");
        Leave(id);
    }

    private void Enter(string id) => Overlapped |= inside.AddOrUpdate(id, 1, (_, count) => count + 1) != 1;

    private void Leave(string id) => inside.AddOrUpdate(id, 0, (_, count) => count - 1);
}

internal sealed record RunningNode(ClusterNode Node, RecordingHost Host, FakeMesh Mesh);

/// <summary>Nodes over one fake network, each with a directory that outlives it.</summary>
internal sealed class TestCluster(FakeNetwork? network = null, bool unsafely = false) : IAsyncDisposable
{
    public static CancellationToken Stop => TestContext.Current.CancellationToken;

    private readonly string root = Directory.CreateTempSubdirectory("livebook-logs-").FullName;
    private readonly ConcurrentDictionary<string, RunningNode> running = new();

    public FakeNetwork Network { get; } = network ?? new FakeNetwork();

    public ManualTime Time { get; } = new();

    public RunningNode this[string name] => running[name];

    public ICollection<RunningNode> Running => running.Values;

    public string DataPath(string name) => Path.Combine(root, name);

    public string LogFile(string name, string id) => Path.Combine(DataPath(name), "logs", id + ".log");

    /// <summary>Sequence of the last entry in a node's file; −1: there is none.</summary>
    public long LastOnDisk(string name, string id) =>
        File.Exists(LogFile(name, id)) ? RecordFile.Read(File.ReadAllBytes(LogFile(name, id))).Copy?.Last ?? -1 : -1;

    public async Task<RunningNode> StartAsync(string name, bool alone = false, Action<ClusterNode>? prepare = null, string? query = null)
    {
        var mesh = Network.Node(name);
        if (alone)
        {
            mesh.Alone();
        }
        var options = new ClusterOptions
        {
            Node = name,
            DnsQuery = query,
            DataPath = DataPath(name),
            UnsafeWithoutReplication = unsafely,
        };
        var node = new ClusterNode(options, mesh, NullLoggerFactory.Instance, Time);
        prepare?.Invoke(node);
        var host = new RecordingHost();
        await node.StartAsync(host, Stop);
        running[name] = new RunningNode(node, host, mesh);
        if (!alone)
        {
            Network.Join(mesh);
        }
        return running[name];
    }

    public async Task KillAsync(string name)
    {
        if (running.TryRemove(name, out var gone))
        {
            Network.Kill(name);
            await gone.Node.KillAsync();
        }
    }

    public async Task StopAsync(string name)
    {
        if (running.TryRemove(name, out var gone))
        {
            await gone.Node.DisposeAsync();
        }
    }

    /// <summary>Waits in real time for what comes about while the nodes' time runs fast.</summary>
    public async Task UntilAsync(Func<bool> condition, string what)
    {
        var deadline = DateTime.UtcNow.AddSeconds(120);
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < deadline, $"Never happened: {what}. {Describe()}");
            Time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(1, Stop);
        }
    }

    public string Describe() =>
        string.Join(
            "; ",
            running.Values.Select(node =>
                $"{node.Node.Self} {node.Node.Status}: {string.Join(", ", node.Node.Logs.Values.Select(entry => $"{entry.Id}@{entry.Owner}/{entry.Standby}/{entry.Epoch}"))} [{string.Join(" | ", node.Host.Story)}]"
            )
        );

    public async ValueTask DisposeAsync()
    {
        foreach (var node in running.Values)
        {
            await node.Node.DisposeAsync();
        }
        Directory.Delete(root, recursive: true);
    }

    public static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    public static string Text(LogContents contents) => string.Join(" ", contents.Entries.Select(Text).Prepend(Text(contents.Snapshot)));
}
