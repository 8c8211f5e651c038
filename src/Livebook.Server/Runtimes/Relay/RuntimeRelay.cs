using System.Text.Json;
using System.Text.Json.Serialization;
using Livebook.Cluster;
using Livebook.Protocol;
using Microsoft.Extensions.Logging;

namespace Livebook.Server.Runtimes.Relay;

/// <summary>
/// Runtimes of sessions whose owner is on another node (DESIGN §3.8): the node that has the process passes its connection on to the owner.
/// The process's key never leaves its node.
/// </summary>
internal sealed class RuntimeRelay : IDisposable
{
    /// <summary>How long the node that has the runtime waits to hear that the asker owns the session.</summary>
    private static readonly TimeSpan NewsPatience = TimeSpan.FromSeconds(2);

    private readonly ICluster _cluster;
    private readonly IRuntimes _runtimes;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly NodeStreams _streams;

    public RuntimeRelay(ICluster cluster, IRuntimes runtimes, TimeProvider time, ILoggerFactory logs)
    {
        _cluster = cluster;
        _runtimes = runtimes;
        _time = time;
        _logger = logs.CreateLogger<RuntimeRelay>();
        _streams = new NodeStreams(cluster, ServeAsync);
    }

    /// <summary>Holds a runtime of another node. Does not wait for it: whether it is still there is told by <see cref="RelayListener"/>.</summary>
    public IRuntime Hold(RelayedProcess process, RuntimeRequest request, RelayListener listener) =>
        new RelayedRuntime(_cluster, _streams, process, request, listener, _time, _logger);

    private async Task<Stream> ServeAsync(string from, ReadOnlyMemory<byte> opening, CancellationToken stop)
    {
        var call = JsonSerializer.Deserialize(opening.Span, RelayJson.Default.RuntimeCall) ?? throw new InvalidDataException("an empty call");
        if (!await OwnsAsync(from, call, stop))
            throw new InvalidOperationException($"{from} is not known as the session's owner here yet.");
        return await _runtimes.OpenAsync(call, stop) ?? throw new InvalidOperationException(RuntimeCall.Gone);
    }

    /// <summary>Only the owner gets a runtime, and the word of that may be slower than its call.</summary>
    private async Task<bool> OwnsAsync(string node, RuntimeCall call, CancellationToken stop)
    {
        var heard = new SemaphoreSlim(0);
        void Wake() => heard.Release();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(NewsPatience);
        _cluster.Changed += Wake;
        try
        {
            while (!(_cluster.Logs.TryGetValue(call.Session, out var log) && log.Owner == node && log.Epoch == call.Epoch))
                await heard.WaitAsync(limit.Token);
            return true;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return false;
        }
        finally
        {
            _cluster.Changed -= Wake;
        }
    }

    public void Dispose() => _streams.Dispose();
}

/// <summary>An owner's call for the runtime of its session.</summary>
/// <param name="LastReport">Number of the last report that is in the session's log.</param>
/// <param name="ProtocolMin">Oldest runtime protocol that the owner speaks.</param>
/// <param name="ProtocolMax">Newest one.</param>
public sealed record RuntimeCall(
    string Session,
    string Runtime,
    long Epoch,
    long LastReport,
    int ProtocolMin = Frames.ProtocolMin,
    int ProtocolMax = Frames.ProtocolMax
)
{
    /// <summary>What a node answers that has no such runtime any more.</summary>
    public const string Gone = "The runtime's process has ended.";
}

/// <summary>A runtime process on another node.</summary>
internal sealed record RelayedProcess(string Node, string Id, int Pid, string Framework, long LastReport);

/// <param name="OnReport">See <see cref="IRuntimes.StartAsync"/>.</param>
/// <param name="OnDown">See <see cref="IRuntimes.StartAsync"/>.</param>
/// <param name="OnAway">Told when the runtime is out of reach, with the reason, and with null when it is back.</param>
internal sealed record RelayListener(Func<ReportFrame, Task> OnReport, Action<string> OnDown, Action<string?> OnAway);

[JsonSerializable(typeof(RuntimeCall))]
internal sealed partial class RelayJson : JsonSerializerContext;
