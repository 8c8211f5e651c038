using System.Diagnostics;
using System.Diagnostics.Metrics;
using Livebook.Cluster;

namespace Livebook.Server.Nodes;

/// <summary>What operators measure. Costs nothing while nobody listens; names follow OpenTelemetry's conventions, durations are in seconds.</summary>
public sealed class ServerMetrics : IDisposable
{
    /// <summary>Name of the meter and of the source of traces.</summary>
    public const string Name = "Livebook.Server";

    private readonly Meter _meter = new(Name);
    private readonly ActivitySource _source = new(Name);
    private readonly Counter<long> _events;
    private readonly Counter<long> _operations;
    private readonly Histogram<double> _replication;
    private readonly Counter<long> _evaluations;
    private readonly Histogram<double> _evaluationTime;
    private readonly Histogram<double> _adoption;

    internal ServerMetrics(ICluster cluster, Func<int> pages, Func<int> pending)
    {
        _events = _meter.CreateCounter<long>(
            "livebook.cluster.events",
            "{event}",
            "Changes of the cluster: joined, left, unreachable, moved (a session to another owner) …"
        );
        _operations = _meter.CreateCounter<long>("livebook.session.operations", "{operation}", "Operations that were accepted");
        _replication = _meter.CreateHistogram<double>(
            "livebook.replication.duration",
            "s",
            "From the append of a batch until the standby, or the disk of a lone node, has it"
        );
        _evaluations = _meter.CreateCounter<long>("livebook.evaluations", "{evaluation}", "Evaluations that ended, by status");
        _evaluationTime = _meter.CreateHistogram<double>("livebook.evaluation.duration", "s", "Duration of evaluations");
        _adoption = _meter.CreateHistogram<double>("livebook.session.adoption.duration", "s", "From getting a session until it is served");
        _meter.CreateObservableGauge("livebook.sessions", () => Sessions(cluster), "{session}", "Sessions of this node as owner and as standby");
        _meter.CreateObservableGauge("livebook.pages", pages, "{page}", "Browser pages that are connected to this node");
        _meter.CreateObservableGauge("livebook.session.pending", pending, "{operation}", "Operations of this node's sessions that are not safe yet");
        _meter.CreateObservableGauge("livebook.cluster.members", () => Members(cluster), "{node}", "Members by status, as this node sees them");
        _meter.CreateObservableGauge(
            "livebook.cluster.strangers",
            () => cluster.Strangers.Length,
            "{address}",
            "Addresses that were found and are not members"
        );
    }

    internal void Happened(string kind) => _events.Add(1, KeyValuePair.Create<string, object?>("kind", kind));

    internal void Replicated(int operations, TimeSpan duration)
    {
        _operations.Add(operations);
        _replication.Record(duration.TotalSeconds);
    }

    internal void Evaluated(string session, string cell, string status, double milliseconds)
    {
        var tag = KeyValuePair.Create<string, object?>("status", status);
        _evaluations.Add(1, tag);
        _evaluationTime.Record(milliseconds / 1000, tag);
        if (_source.HasListeners())
        {
            using var activity = _source.StartActivity(
                ActivityKind.Internal,
                startTime: DateTimeOffset.UtcNow.AddMilliseconds(-milliseconds),
                tags: [KeyValuePair.Create<string, object?>("livebook.session", session), KeyValuePair.Create<string, object?>("livebook.cell", cell), tag],
                name: "evaluation"
            );
            if (status == "failed")
                activity?.SetStatus(ActivityStatusCode.Error);
        }
    }

    /// <summary>A session is being taken over; dispose of what comes back when it is served.</summary>
    internal Adoption Adopting(string session, string reason, long epoch)
    {
        var activity = _source.StartActivity("session.adopt");
        activity?.SetTag("livebook.session", session).SetTag("reason", reason).SetTag("livebook.epoch", epoch);
        return new Adoption(this, activity, reason, Stopwatch.GetTimestamp());
    }

    public void Dispose()
    {
        _meter.Dispose();
        _source.Dispose();
    }

    private static IEnumerable<Measurement<int>> Sessions(ICluster cluster)
    {
        var logs = cluster.Logs.Values;
        yield return new Measurement<int>(logs.Count(log => log.Owner == cluster.Self), KeyValuePair.Create<string, object?>("role", "owner"));
        yield return new Measurement<int>(logs.Count(log => log.Standby == cluster.Self), KeyValuePair.Create<string, object?>("role", "standby"));
    }

    private static IEnumerable<Measurement<int>> Members(ICluster cluster) =>
        cluster
            .Members.CountBy(member => member.Status)
            .Select(group => new Measurement<int>(group.Value, KeyValuePair.Create<string, object?>("status", group.Key)));

    internal readonly struct Adoption(ServerMetrics metrics, Activity? activity, string reason, long began) : IDisposable
    {
        public void Dispose()
        {
            metrics._adoption.Record(Stopwatch.GetElapsedTime(began).TotalSeconds, KeyValuePair.Create<string, object?>("reason", reason));
            activity?.Dispose();
        }
    }
}
