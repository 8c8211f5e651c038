using Livebook.Cluster;
using Livebook.Server.Files;
using Livebook.Server.Runtimes;
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

    /// <summary>Test switch: what is sent again happens again, so that a checker can be shown to fail.</summary>
    public bool UnsafeWithoutAtMostOnce { get; init; }
}

/// <summary>One server: everything that lives and acts, without HTTP.</summary>
public sealed class LivebookServer : IAsyncDisposable
{
    private readonly SessionHost _host;
    private readonly IRuntimes _runtimes;

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
        var nodeFiles = new NodeFiles(cluster, files, options.Home);
        var writeRefusal = new WriteGuard(disk, options.Limits.FreeDiskBytes, time);
        _host = new SessionHost(
            cluster,
            faulted => new SessionServices(cluster, runtimes, nodeFiles, options.Limits, options.DataPath, time, logs, writeRefusal.Refusal, faulted)
            {
                UnsafeWithoutAtMostOnce = options.UnsafeWithoutAtMostOnce,
            }
        );
        Sessions = new Sessions.Sessions(cluster, _host, nodeFiles, options.Limits, options.IdSecret, time, writeRefusal.Refusal);
        Pages = new Pages(cluster, Sessions, time, logs);
    }

    public ICluster Cluster { get; }

    public Sessions.Sessions Sessions { get; }

    public Pages Pages { get; }

    internal SessionHost Host => _host;

    /// <summary>Begins to take part in the cluster and serves what this node owns.</summary>
    public async Task StartAsync(CancellationToken stop)
    {
        await Cluster.StartAsync(_host, stop);
        if (Cluster.Status != NodeStatus.Alone)
            _ = Task.Run(Rehearsal.Run, stop);
    }

    /// <summary>Saves what has a file, ends runtimes and leaves.</summary>
    public async ValueTask DisposeAsync()
    {
        await Pages.DisposeAsync();
        await _host.DisposeAsync();
        await _runtimes.DisposeAsync();
        await Cluster.DisposeAsync();
    }
}
