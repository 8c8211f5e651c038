using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace Livebook.Cluster.Settings;

/// <summary>
/// Settings that every node has: a change is acknowledged when it is on this node's disk and on that of another one, and reaches the rest
/// at once. Nodes that come, or come back, exchange what they miss. Keys and bytes only.
/// </summary>
public sealed partial class SettingsStore : IAsyncDisposable
{
    private const string Channel = "settings";

    /// <summary>How long a change may wait for the first other node.</summary>
    private static readonly TimeSpan ConfirmPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(100);

    /// <summary>Digests are compared this often also when nothing happened: whatever was lost is found.</summary>
    private static readonly TimeSpan CompareInterval = TimeSpan.FromSeconds(5);

    private readonly ICluster cluster;
    private readonly SettingsFile file;
    private readonly TimeProvider time;
    private readonly ILogger log;
    private readonly SemaphoreSlim gate = new(1, 1);
    private readonly ConcurrentDictionary<string, byte> comparing = new();
    private readonly CancellationTokenSource stopped = new();
    private readonly Lock membersLock = new();
    private volatile SettingsMap map = SettingsMap.Empty;
    private ImmutableHashSet<(string Name, DateTimeOffset StartedAt)> met = [];
    private ITimer? timer;

    /// <summary>Set up before the cluster starts.</summary>
    public SettingsStore(ICluster cluster, SettingsFile file, TimeProvider time, ILoggerFactory loggers)
    {
        this.cluster = cluster;
        this.file = file;
        this.time = time;
        log = loggers.CreateLogger<SettingsStore>();
        cluster.Handle(Channel, AnswerAsync);
    }

    /// <summary>Raised, on any thread, after <see cref="Values"/> changed. Handlers return at once.</summary>
    public event Action? Changed;

    /// <summary>Every setting that is not deleted, by key.</summary>
    public IEnumerable<KeyValuePair<string, ReadOnlyMemory<byte>>> Values =>
        map.Entries.Values.Where(entry => entry.Value is not null).Select(entry => KeyValuePair.Create(entry.Key, entry.Value!.Value));

    /// <summary>Why nothing can be changed on this node now; null when it can.</summary>
    public string? Refusal =>
        cluster.Status switch
        {
            NodeStatus.Alone => null,
            NodeStatus.Member when Peers().All(peer => peer.Status == "unreachable") && Peers().Any() =>
                "No other server of the cluster answers at the moment, so nothing can be changed here.",
            NodeStatus.Member => null,
            _ => "This server is not connected to its cluster at the moment, so nothing can be changed here.",
        };

    /// <summary>Reads what is on the disk. Before the cluster starts.</summary>
    /// <exception cref="SettingsLockedException">It was encrypted with a secret that this node does not have.</exception>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void Load()
    {
        try
        {
            (map, var outdated) = file.Read();
            if (outdated)
            {
                file.Write(map);
                LogRewritten(log);
            }
        }
        catch (InvalidDataException error)
        {
            file.SetAside();
            LogDamaged(log, file.Path, error.Message);
        }
        cluster.Changed += OnClusterChanged;
        timer = time.CreateTimer(_ => CompareWithAll(), null, CompareInterval, CompareInterval);
        Raise();
    }

    /// <summary>Changes settings, all or none; completes when they are on this node's disk and, in a cluster, on another node's.</summary>
    /// <param name="changes">Values by key; null deletes.</param>
    /// <exception cref="SettingsRefusedException">They cannot be changed now; in words for a person.</exception>
    public async Task ChangeAsync(IReadOnlyDictionary<string, ReadOnlyMemory<byte>?> changes, CancellationToken stop)
    {
        if (
            changes
                .FirstOrDefault(change => (change.Value?.Length ?? 0) > SettingEntry.MaximumValue || change.Key.Length is 0 or > SettingEntry.MaximumKey)
                .Key is
            { } odd
        )
        {
            throw new SettingsRefusedException(
                "too_large",
                $"A setting has at most {SettingEntry.MaximumValue / 1024} KB, {odd[..Math.Min(odd.Length, 40)]} has more."
            );
        }
        ImmutableArray<SettingEntry> entries;
        await gate.WaitAsync(stop);
        try
        {
            if (Refusal is { } refusal)
            {
                throw new SettingsRefusedException("not_ready", refusal);
            }
            entries = map.Write(changes, cluster.Self);
            await StoreAsync(map.Merge(entries));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SettingsRefusedException("disk_full", $"Nothing was changed: the server's disk refused the write ({error.Message}).");
        }
        finally
        {
            gate.Release();
        }
        Raise();
        await ConfirmAsync(entries, stop);
    }

    public async ValueTask DisposeAsync()
    {
        cluster.Changed -= OnClusterChanged;
        await stopped.CancelAsync();
        if (timer is not null)
        {
            await timer.DisposeAsync();
        }
        // Whoever is writing finishes first.
        await gate.WaitAsync();
        gate.Release();
    }

    private IEnumerable<MemberInfo> Peers() => cluster.Members.Where(member => member.Name != cluster.Self);

    /// <summary>With the gate.</summary>
    private async Task StoreAsync(SettingsMap next)
    {
        if (!ReferenceEquals(next, map))
        {
            await Task.Run(() => file.Write(next));
            map = next;
        }
    }

    private async Task ConfirmAsync(ImmutableArray<SettingEntry> entries, CancellationToken stop)
    {
        var until = time.GetTimestamp() + (long)(ConfirmPatience.TotalSeconds * time.TimestampFrequency);
        while (true)
        {
            var asked = Peers().Where(peer => peer.Status != "unreachable").Select(peer => OfferAsync(peer.Name, entries)).ToList();
            if (asked.Count == 0 && !Peers().Any() && cluster.Status is NodeStatus.Alone or NodeStatus.Member)
            {
                return;
            }
            while (asked.Count > 0)
            {
                var first = await Task.WhenAny(asked).WaitAsync(stop);
                if (await first)
                {
                    return;
                }
                asked.Remove(first);
            }
            if (cluster.Status is NodeStatus.Joining or NodeStatus.Minority || time.GetTimestamp() > until)
            {
                throw new SettingsRefusedException(
                    "not_ready",
                    "The change is stored on this server, but no other server of the cluster has confirmed it. Look again when the cluster is whole."
                );
            }
            await Task.Delay(RetryPause, time, stop);
        }
    }

    /// <summary>True when the node has them on its disk.</summary>
    private async Task<bool> OfferAsync(string node, ImmutableArray<SettingEntry> entries)
    {
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopped.Token);
            limit.CancelAfter(ConfirmPatience);
            await cluster.RequestAsync(node, Channel, new SettingsMessage.Trade(entries, []).Encode(), limit.Token);
            return true;
        }
        catch (Exception error) when (error is NodeUnreachableException or RemoteException or OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<ReadOnlyMemory<byte>> AnswerAsync(string from, ReadOnlyMemory<byte> payload, CancellationToken stop)
    {
        switch (SettingsMessage.Decode(payload))
        {
            case SettingsMessage.Compare compare:
                var mine = map;
                return (
                    mine.Digest().AsSpan().SequenceEqual(compare.Digest.Span)
                        ? (SettingsMessage)new SettingsMessage.Same()
                        : new SettingsMessage.Versions(mine.Stamps())
                ).Encode();
            case SettingsMessage.Trade trade:
                await MergeAsync(trade.Given, stop);
                var entries = map.Entries;
                return new SettingsMessage.Entries([.. trade.Wanted.Where(entries.ContainsKey).Select(key => entries[key])]).Encode();
            default:
                throw new InvalidDataException("No question about settings.");
        }
    }

    private async Task MergeAsync(ImmutableArray<SettingEntry> entries, CancellationToken stop)
    {
        await gate.WaitAsync(stop);
        bool news;
        try
        {
            var next = map.Merge(entries);
            news = !ReferenceEquals(next, map);
            await StoreAsync(next);
        }
        finally
        {
            gate.Release();
        }
        if (news)
        {
            Raise();
        }
    }

    private void OnClusterChanged()
    {
        ImmutableHashSet<(string, DateTimeOffset)> added;
        lock (membersLock)
        {
            ImmutableHashSet<(string, DateTimeOffset)> present =
            [
                .. Peers().Where(peer => peer.Status != "unreachable").Select(peer => (peer.Name, peer.StartedAt)),
            ];
            added = present.Except(met);
            met = present;
        }
        foreach (var (name, _) in added)
        {
            _ = CompareAsync(name);
        }
    }

    private void CompareWithAll()
    {
        foreach (var peer in Peers().Where(peer => peer.Status != "unreachable"))
        {
            _ = CompareAsync(peer.Name);
        }
    }

    /// <summary>Asks a node whether it has the same, and exchanges what differs. What fails is tried again with the next comparison.</summary>
    private async Task CompareAsync(string node)
    {
        if (stopped.IsCancellationRequested || !comparing.TryAdd(node, 0))
        {
            return;
        }
        try
        {
            var mine = map;
            var reply = await AskAsync(node, new SettingsMessage.Compare(mine.Digest()));
            if (reply is not SettingsMessage.Versions versions)
            {
                return;
            }
            var there = versions.Stamps.DistinctBy(stamp => stamp.Key).ToDictionary(stamp => stamp.Key, StringComparer.Ordinal);
            if (await AskAsync(node, new SettingsMessage.Trade(mine.Missing(there), mine.Wanted(there.Values))) is SettingsMessage.Entries entries)
            {
                await MergeAsync(entries.Given, stopped.Token);
            }
        }
        catch (Exception error) when (error is NodeUnreachableException or RemoteException or OperationCanceledException)
        {
            // It is gone, or of a build without settings.
        }
        catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            LogNotTaken(log, node, error.Message);
        }
        finally
        {
            comparing.TryRemove(node, out _);
        }
    }

    private async Task<SettingsMessage> AskAsync(string node, SettingsMessage message) =>
        SettingsMessage.Decode(await cluster.RequestAsync(node, Channel, message.Encode(), stopped.Token));

    private void Raise()
    {
        try
        {
            Changed?.Invoke();
        }
        catch (Exception error)
        {
            LogListenerFailed(log, error);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "settings: encrypted anew with the present secret")]
    private static partial void LogRewritten(ILogger logger);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "settings: {Path} cannot be read ({Reason}); it is kept as {Path}.damaged, and this node takes what other nodes have"
    )]
    private static partial void LogDamaged(ILogger logger, string path, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "settings: what {Node} has could not be taken: {Reason}")]
    private static partial void LogNotTaken(ILogger logger, string node, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "settings: a listener failed")]
    private static partial void LogListenerFailed(ILogger logger, Exception error);
}

/// <summary>Settings cannot be changed now.</summary>
/// <param name="kind"><c>not_ready</c>, <c>disk_full</c>, <c>too_large</c> or <c>invalid</c>.</param>
public sealed class SettingsRefusedException(string kind, string message) : Exception(message)
{
    public string Kind => kind;
}
