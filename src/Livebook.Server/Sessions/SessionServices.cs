using Livebook.Cluster;
using Livebook.Server.Attachments;
using Livebook.Server.Files;
using Livebook.Server.Nodes;
using Livebook.Server.Runtimes;
using Livebook.Server.Runtimes.Relay;
using Microsoft.Extensions.Logging;

namespace Livebook.Server.Sessions;

/// <summary>What every session of a node works with.</summary>
/// <param name="WriteRefusal">Why nothing may be changed now (disk nearly full), or null. Cheap.</param>
internal sealed record SessionServices(
    ICluster Cluster,
    IRuntimes Runtimes,
    RuntimeRelay Relay,
    Settings.Settings Settings,
    ServerMetrics Metrics,
    NodeFiles Files,
    AttachmentKeeper Attachments,
    ServerLimits Limits,
    string DataPath,
    TimeProvider Time,
    ILoggerFactory Logs,
    Func<string?> WriteRefusal,
    Action<SessionActor> Faulted
);

/// <summary>Limits, each with a variable (README, Configuration).</summary>
public sealed record ServerLimits
{
    /// <summary>Bytes of one notebook file.</summary>
    public long NotebookBytes { get; init; } = 50L * 1024 * 1024;

    /// <summary>Bytes of all outputs of a session.</summary>
    public long OutputBytes { get; init; } = 50L * 1024 * 1024;

    /// <summary>Bytes of one file kept with a notebook.</summary>
    public long UploadBytes { get; init; } = 1L << 30;

    /// <summary>With fewer bytes free at the data path no change is accepted.</summary>
    public long FreeDiskBytes { get; init; } = 200L * 1024 * 1024;
}
