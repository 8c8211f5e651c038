using System.Collections.Immutable;
using Livebook.Cluster;
using Livebook.Server.Sessions;

namespace Livebook.Server.Nodes;

/// <summary>What happened to the cluster as this node saw it; the last of it is kept for the cluster page. The log has its lines from those who act.</summary>
public sealed class ClusterStory : IDisposable
{
    private const int Kept = 100;

    private readonly ICluster _cluster;
    private readonly TimeProvider _time;
    private readonly ServerMetrics _metrics;
    private readonly Lock _lock = new();
    private ClusterSnapshot _last;
    private ImmutableList<ClusterEvent> _events = [];

    internal ClusterStory(ICluster cluster, ServerMetrics metrics, TimeProvider time)
    {
        _cluster = cluster;
        _metrics = metrics;
        _time = time;
        _last = ClusterSnapshot.Of(cluster);
        cluster.Changed += Look;
    }

    /// <summary>The last hundred, newest first.</summary>
    public ImmutableList<ClusterEvent> Events => _events;

    public void Dispose() => _cluster.Changed -= Look;

    private void Look()
    {
        lock (_lock)
        {
            var now = ClusterSnapshot.Of(_cluster);
            foreach (var change in now.Since(_last))
            {
                var subject = change.Kind == "moved" ? NameOf(now.Logs[change.Subject]) ?? change.Subject : change.Subject;
                _events = _events.Insert(0, new ClusterEvent(_time.GetUtcNow(), change.Kind, subject, change.Text));
                if (_events.Count > Kept)
                    _events = _events.RemoveAt(Kept);
                _metrics.Happened(change.Kind);
            }
            _last = now;
        }
    }

    private static string? NameOf(LogEntryInfo log) => log.Info.IsEmpty ? null : Channels.Unpack(log.Info, SessionJson.Default.SessionSummary).Name;
}

/// <summary>Something that happened to the cluster.</summary>
/// <param name="Kind">See <c>ClusterChange</c>.</param>
public sealed record ClusterEvent(DateTimeOffset At, string Kind, string Subject, string Text);
