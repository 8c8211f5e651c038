using System.Collections.Immutable;
using Livebook.Cluster;
using Livebook.Cluster.Settings;
using Livebook.Server.Attachments;
using Livebook.Server.Files;
using Livebook.Server.Nodes;
using Livebook.Server.Runtimes;
using Livebook.Server.Runtimes.Relay;
using Livebook.Server.Sessions;
using Microsoft.Extensions.Logging;

namespace Livebook.Server;

/// <summary>How a server behaves besides its cluster.</summary>
public sealed record ServerOptions
{
    /// <summary>Directory of this node alone (LIVEBOOK_DATA_PATH).</summary>
    public required string DataPath { get; init; }

    /// <summary>Directory that file dialogs show first (LIVEBOOK_HOME).</summary>
    public required string Home { get; init; }

    /// <summary>Key of the ids of sessions made with an <c>Idempotency-Key</c>; derived from LIVEBOOK_SECRET_KEY_BASE.</summary>
    public required byte[] IdSecret { get; init; }

    public ServerLimits Limits { get; init; } = new();

    /// <summary>32 bytes each, derived from LIVEBOOK_SECRET_KEY_BASE: what settings on the disk are encrypted with, then earlier ones that are still read. Empty: settings are not stored.</summary>
    public ImmutableArray<byte[]> SettingsKeys { get; init; } = [];

    /// <summary>Secrets that the server was started with, by name without <c>LB_</c>.</summary>
    public ImmutableSortedDictionary<string, string> StartupSecrets { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}

/// <summary>One server: everything that lives and acts, without HTTP.</summary>
public sealed class LivebookServer : IAsyncDisposable
{
    private readonly SessionHost _host;
    private readonly IRuntimes _runtimes;
    private readonly AttachmentKeeper _keeper;
    private readonly RuntimeRelay _relay;
    private readonly Departure _departure;
    private readonly SettingsStore _store;
    private readonly ServerMetrics _metrics;

    public LivebookServer(
        ServerOptions options,
        ICluster cluster,
        IRuntimes runtimes,
        INotebookFiles files,
        DiskSpace disk,
        ILoggerFactory logs,
        TimeProvider time
    )
    {
        Cluster = cluster;
        _runtimes = runtimes;
        _store = new SettingsStore(cluster, new SettingsFile(Path.Combine(options.DataPath, "settings"), options.SettingsKeys), time, logs);
        Settings = new Settings.Settings(_store, options.StartupSecrets, options.IdSecret, time);
        _metrics = new ServerMetrics(cluster, () => Pages?.Count ?? 0, () => _host?.Actors.Sum(actor => actor.Pending) ?? 0);
        Story = new ClusterStory(cluster, _metrics, time);
        var nodeFiles = new NodeFiles(cluster, files, options.Home);
        var writeRefusal = new WriteGuard(disk, options.Limits.FreeDiskBytes, time);
        var door = new BlobDoor(cluster, new BlobStore(options.DataPath), writeRefusal.RefusalOf, time);
        _keeper = new AttachmentKeeper(cluster, door, options.Limits, time, logs);
        _relay = new RuntimeRelay(cluster, runtimes, time, logs);
        _host = new SessionHost(
            cluster,
            faulted => new SessionServices(
                cluster,
                runtimes,
                _relay,
                Settings,
                _metrics,
                nodeFiles,
                _keeper,
                options.Limits,
                options.DataPath,
                time,
                logs,
                writeRefusal.Refusal,
                faulted
            )
        );
        Sessions = new Sessions.Sessions(cluster, _host, nodeFiles, options.Limits, options.IdSecret, time, writeRefusal.Refusal);
        _keeper.Host = _host;
        Attachments = new Attachments.Attachments(cluster, Sessions, door);
        Pages = new Pages(cluster, Sessions, time, logs);
        Facts = new NodeFactsCollector(cluster, _host, Pages, Story, runtimes, options.DataPath);
        _departure = new Departure(cluster, _host, Sessions, Pages, time, logs);
    }

    public ICluster Cluster { get; }

    public Settings.Settings Settings { get; }

    public Sessions.Sessions Sessions { get; }

    public Pages Pages { get; }

    /// <summary>Files kept with notebooks.</summary>
    public Attachments.Attachments Attachments { get; }

    /// <summary>What happened to the cluster.</summary>
    public ClusterStory Story { get; }

    /// <summary>What each node knows of itself.</summary>
    public NodeFactsCollector Facts { get; }

    internal SessionHost Host => _host;

    /// <summary>Begins to take part in the cluster and serves what this node owns.</summary>
    /// <exception cref="SettingsLockedException">The settings on the disk were encrypted with another secret.</exception>
    public async Task StartAsync(CancellationToken stop)
    {
        _store.Load();
        await Cluster.StartAsync(_host, stop);
        _keeper.Start();
        if (Cluster.Status != NodeStatus.Alone)
            _ = Task.Run(Rehearsal.Run, stop);
    }

    /// <summary>
    /// Gets ready to leave the cluster: takes nothing new, hands its sessions over, sends its pages to other nodes, and gives cells that run here a part
    /// of the time to finish. Called again it waits for the first call. Done within <paramref name="budget"/>; the server then only has to end.
    /// </summary>
    public Task DrainAsync(TimeSpan budget, CancellationToken stop) => _departure.DrainAsync(budget).WaitAsync(stop);

    /// <summary>Saves what has a file, ends runtimes and leaves. After a drain, runtimes live on for a while: their sessions' owners, or this server when it comes back, find them.</summary>
    public async ValueTask DisposeAsync()
    {
        await Pages.DisposeAsync();
        await _keeper.DisposeAsync();
        if (Cluster.IsDraining)
            _host.LeaveRuntimes();
        await _host.DisposeAsync();
        _relay.Dispose();
        await _runtimes.DisposeAsync();
        Settings.Dispose();
        Story.Dispose();
        _metrics.Dispose();
        await _store.DisposeAsync();
        await Cluster.DisposeAsync();
    }
}
