using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using Livebook.Drill.Nodes;

namespace Livebook.Drill.Faults;

/// <summary>What one node said last.</summary>
/// <param name="Up">Members that it counts and that answer it.</param>
/// <param name="Owners">Session → who owns it, as it lists them.</param>
public sealed record Sight(string Status, ImmutableHashSet<string> Up, ImmutableDictionary<string, Place> Owners);

/// <summary>Asks every node again and again what it sees, and notes what must never be seen: two owners of one epoch.</summary>
public sealed class Watcher : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly DrillCluster _cluster;
    private readonly CancellationTokenSource _stop = new();
    private readonly HttpClient _http = new() { Timeout = Patience };
    private readonly ConcurrentDictionary<string, Sight> _sights = new();
    private readonly ConcurrentDictionary<(string Session, long Epoch), string> _owners = new();
    private readonly ConcurrentDictionary<string, byte> _violations = new();
    private readonly Task _running;

    public Watcher(DrillCluster cluster)
    {
        _cluster = cluster;
        _http.DefaultRequestHeaders.Authorization = new("Bearer", Node.ApiKey);
        _running = RunAsync();
    }

    /// <summary>What was seen since the last call and must never be.</summary>
    public ImmutableArray<string> TakeViolations()
    {
        ImmutableArray<string> taken = [.. _violations.Keys];
        foreach (var violation in taken)
            _violations.TryRemove(violation, out _);
        return taken;
    }

    /// <summary>What a node said last; null: it does not answer.</summary>
    public Sight? this[Node node] => _sights.GetValueOrDefault(node.Name);

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            await Task.WhenAll(_cluster.Nodes.Select(LookAsync));
            await Task.Delay(Interval, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task LookAsync(Node node)
    {
        try
        {
            using var members = await AskAsync(node, "cluster");
            using var sessions = await AskAsync(node, "sessions?limit=1000");
            var sight = new Sight(
                members.RootElement.GetProperty("status").GetString()!,
                [.. members.RootElement.GetProperty("nodes").EnumerateArray().Where(IsUp).Select(member => member.GetProperty("name").GetString()!)],
                sessions.RootElement.EnumerateArray().ToImmutableDictionary(session => session.GetProperty("id").GetString()!, PlaceOf)
            );
            _sights[node.Name] = sight;
            foreach (var (session, place) in sight.Owners)
            {
                var known = _owners.GetOrAdd((session, place.Epoch), place.Owner);
                if (known != place.Owner)
                    _violations[$"two owners: epoch {place.Epoch} of session {session} is owned by {known} and by {place.Owner}"] = 0;
            }
        }
        catch (Exception error) when (Wait.IsPassing(error))
        {
            _sights.TryRemove(node.Name, out _);
        }
    }

    private static bool IsUp(JsonElement member) => member.GetProperty("status").GetString() == "up";

    private static Place PlaceOf(JsonElement session) =>
        new(session.GetProperty("node").GetString()!, session.GetProperty("standby").GetString(), session.GetProperty("epoch").GetInt64());

    private async Task<JsonDocument> AskAsync(Node node, string path)
    {
        using var response = await _http.GetAsync(new Uri(node.Address, $"api/v1/{path}"), _stop.Token);
        var text = await response.Content.ReadAsStringAsync(_stop.Token);
        return response.IsSuccessStatusCode ? JsonDocument.Parse(text) : throw new UnexpectedAnswerException($"{(int)response.StatusCode} {text}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _http.Dispose();
        _stop.Dispose();
    }
}
