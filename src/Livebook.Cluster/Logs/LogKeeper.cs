using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Livebook.Cluster.Membership;
using Livebook.Cluster.Messaging;
using Microsoft.Extensions.Logging;

namespace Livebook.Cluster.Logs;

/// <summary>
/// Keeps this node's copies of logs: those it owns, those it stands by for, those it found and does not know whose they are.
/// Everything private runs on the node's loop. This part holds the state and what members' coming and going means.
/// </summary>
internal sealed partial class LogKeeper(ClusterOptions options, IMesh mesh, Loop loop, Action<string, string, LogMessage> send, TimeProvider time, ILogger log)
{
    /// <summary>A standby's copy found at a restart waits this long for its owner to return, who may have gone on alone.</summary>
    public static readonly TimeSpan StandbyGrace = TimeSpan.FromSeconds(10);

    /// <summary>After the last newcomer, this long is waited for the next one: nodes that are started together come one after the other.</summary>
    private static readonly TimeSpan MemberPause = TimeSpan.FromSeconds(1);

    /// <summary>Who begins a cluster waits this long for the first newcomer: another node may have a better copy of what was found here.</summary>
    private static readonly TimeSpan FounderPause = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan InfoInterval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan FlushInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan TableInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FencePause = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, HeldLog> logs = [];
    private readonly Dictionary<string, DiskLog> disks = [];
    private readonly Dictionary<string, MeshMember> peers = [];
    private readonly HashSet<string> suspected = [];
    private volatile ImmutableHashSet<string> draining = [];
    private readonly HashSet<HeldLog> dirty = [];
    private readonly Dictionary<(string Node, string Id), (long Reign, long Last, bool Gap)> owedAnswers = [];
    private readonly HashSet<string> toPublish = [];
    private readonly string directory = Path.Combine(options.DataPath, "logs");
    private readonly Tombstones tombstones = new(Path.Combine(options.DataPath, "logs", "deleted"), time, log);
    private readonly HostCalls calls = new(log);
    private bool expelled;
    private bool stopped;
    private bool promoted;
    private bool drainingChanged;
    private volatile bool informed;
    private TimeSpan activeSince = TimeSpan.MinValue;
    private TimeSpan newcomerAt;
    private TimeSpan infoAt;
    private TimeSpan flushAt;
    private TimeSpan tableAt;

    public Registry Registry { get; } = new(mesh.Self);

    /// <summary>This node is active and has heard of every member's logs. May be asked on any thread.</summary>
    public bool IsInformed => informed;

    /// <summary>Members that are about to leave, maybe this node too. May be asked on any thread.</summary>
    public ImmutableHashSet<string> Draining => draining;

    /// <summary>This node may own logs and acknowledge.</summary>
    private bool Active => !expelled && !stopped && mesh.Status is NodeStatus.Alone or NodeStatus.Member;

    private TimeSpan Now => time.GetElapsedTime(0);

    public void Begin(ILogHost host) => calls.Host = host;

    public Task<LogContents?> ReadAsync(string id) => loop.AskAsync(() => logs.GetValueOrDefault(id)?.Copy.Contents());

    public void OnPeerUp(MeshMember member)
    {
        peers[member.Name] = member;
        newcomerAt = Now;
        SetSuspected(member);
        SendTable(member.Name, withTombstones: true);
        if (draining.Contains(mesh.Self))
        {
            send(member.Name, TableStream, new LogMessage.Drain());
        }
        foreach (var held in logs.Values.Where(held => held is { Role: LogRole.Owner, Replication.Standby: null }))
        {
            ChooseStandby(held);
        }
    }

    public void OnReachability(MeshMember member)
    {
        if (peers.ContainsKey(member.Name))
        {
            peers[member.Name] = member;
            SetSuspected(member);
            LeaveUnfitStandby(member.Name);
        }
    }

    /// <summary>This node is about to leave.</summary>
    public void BeginDrain()
    {
        if (draining.Contains(mesh.Self))
        {
            return;
        }
        draining = draining.Add(mesh.Self);
        drainingChanged = true;
        Broadcast(new LogMessage.Drain());
    }

    private void OnDrain(string from)
    {
        if (peers.ContainsKey(from))
        {
            log.LogInformation("Node {Node} drains: it is about to leave.", from);
            draining = draining.Add(from);
            drainingChanged = true;
            LeaveUnfitStandby(from);
        }
    }

    /// <summary>Second copies go where somebody answers and stays, if there is such a node.</summary>
    private void LeaveUnfitStandby(string node)
    {
        if (IsFit(node) || !peers.Keys.Any(IsFit))
        {
            return;
        }
        foreach (var held in logs.Values.Where(held => held.Role == LogRole.Owner && held.Replication.Standby == node))
        {
            ChooseStandby(held);
        }
    }

    /// <summary>A peer that answers and does not drain.</summary>
    private bool IsFit(string node) => peers.ContainsKey(node) && !suspected.Contains(node) && !draining.Contains(node);

    /// <summary>A peer (this incarnation of it) is out for good: its standbys here become owners, its second copies are made elsewhere.</summary>
    public void OnPeerDowned(string node)
    {
        peers.Remove(node);
        suspected.Remove(node);
        draining = draining.Remove(node);
        Registry.RemoveNode(node, member => member == mesh.Self || peers.ContainsKey(member), Now);
        foreach (var held in logs.Values.ToList())
        {
            if (held.Role == LogRole.Standby && held.Owner == node)
            {
                TakeOver(held, OwnershipReason.Failover);
            }
            else if (held.Replication.Standby == node)
            {
                ChooseStandby(held);
                held.Deleting?.TrySetResult();
            }
            else if (held.HandedTo == node)
            {
                HandedBack(held, $"{node} left before it took the log over.");
            }
        }
        foreach (var owed in owedAnswers.Keys.Where(owed => owed.Node == node).ToList())
        {
            owedAnswers.Remove(owed);
        }
    }

    /// <summary>Others may own everything by now: nothing is acknowledged, nothing promoted, until <see cref="OnSelfUp"/>.</summary>
    public void OnExpelled()
    {
        expelled = true;
        ForgetPeers();
        owedAnswers.Clear();
        foreach (var held in logs.Values)
        {
            Suspend(held);
        }
    }

    /// <summary>A member (again): what others have is to be learnt anew before anything found is decided.</summary>
    public void OnSelfUp()
    {
        foreach (var held in logs.Values)
        {
            if (expelled || held.Role == LogRole.Standby)
            {
                Suspend(held);
            }
        }
        expelled = false;
        ForgetPeers();
        activeSince = TimeSpan.MinValue;
        Registry.RemoveOthers();
    }

    /// <summary>After every event of the mesh, when all of it is known here.</summary>
    public void OnStatus()
    {
        if (mesh.Status == NodeStatus.Alone)
        {
            expelled = false;
        }
        if (!Active)
        {
            activeSince = TimeSpan.MinValue;
            return;
        }
        if (activeSince == TimeSpan.MinValue)
        {
            activeSince = Now;
            newcomerAt = Now;
        }
        Settle();
    }

    /// <summary>An operator said that those who are not here are gone: found copies wait for nobody.</summary>
    public void OnPromoted() => promoted = true;

    public void OnMessage(string from, ReadOnlyMemory<byte> bytes)
    {
        if (stopped)
        {
            return;
        }
        switch (LogMessage.Decode(bytes))
        {
            case LogMessage.Snapshot message:
                OnSnapshot(from, message);
                break;
            case LogMessage.Append message:
                OnAppend(from, message);
                break;
            case LogMessage.Acknowledge message:
                OnAcknowledge(from, message);
                break;
            case LogMessage.Refuse message:
                OnRefuse(from, message);
                break;
            case LogMessage.Drop message:
                OnDrop(from, message);
                break;
            case LogMessage.Delete message:
                OnDelete(from, message);
                break;
            case LogMessage.Deleted message:
                logs.GetValueOrDefault(message.Id)?.Deleting?.TrySetResult();
                break;
            case LogMessage.Table message:
                OnTable(from, message);
                break;
            case LogMessage.HandOver message:
                OnHandOver(from, message);
                break;
            case LogMessage.Drain:
                OnDrain(from);
                break;
        }
    }

    /// <summary>End of a batch: what came together leaves together.</summary>
    public bool Flush()
    {
        foreach (var held in dirty)
        {
            Replicate(held);
            if (!options.UnsafeWithoutReplication)
            {
                WriteDisk(held);
            }
        }
        dirty.Clear();
        foreach (var ((node, id), (reign, last, gap)) in owedAnswers)
        {
            send(node, EntryStream(id), new LogMessage.Acknowledge(id, reign, last, gap));
        }
        owedAnswers.Clear();
        SendChanges();
        var published = Registry.Publish();
        var knows = Active && activeSince != TimeSpan.MinValue && KnowsEveryTable;
        var news = published || knows != informed || drainingChanged;
        drainingChanged = false;
        informed = knows;
        return news;
    }

    public void Tick()
    {
        var now = Now;
        if (now - infoAt >= InfoInterval)
        {
            infoAt = now;
            foreach (var held in logs.Values.Where(held => held.InfoChanged))
            {
                held.InfoChanged = false;
                Show(held);
            }
        }
        if (now - flushAt >= FlushInterval)
        {
            flushAt = now;
            logs.Values.ToList().ForEach(CareForDisk);
        }
        if (now - tableAt >= TableInterval)
        {
            tableAt = now;
            peers.Keys.ToList().ForEach(node => SendTable(node, withTombstones: false));
        }
        foreach (var held in logs.Values.Where(held => held.Role == LogRole.Owner && held.Replication.Tick(now)))
        {
            dirty.Add(held);
        }
        Registry.ExpireOrphans(now);
        calls.Sweep();
        Settle();
    }

    /// <summary>Stops with everything written, or, <paramref name="killed"/>, as a killed process does.</summary>
    public async Task StopAsync(bool killed)
    {
        var open = await loop.AskAsync(() =>
        {
            stopped = true;
            foreach (var held in logs.Values)
            {
                if (!killed)
                {
                    WriteDisk(held);
                }
                Fail(held, new ObjectDisposedException(nameof(ClusterNode), "This node has stopped."));
            }
            return disks.Values.ToList();
        });
        foreach (var disk in open)
        {
            await (killed ? disk.AbandonAsync() : disk.DisposeAsync().AsTask());
        }
        await tombstones.FlushAsync();
        await calls.IdleAsync();
    }

    private void ForgetPeers()
    {
        peers.Clear();
        suspected.Clear();
        draining = draining.Intersect([mesh.Self]);
    }

    private bool KnowsEveryTable => peers.Keys.All(Registry.IsComplete);

    private void SetSuspected(MeshMember member)
    {
        _ = member.Reachable ? suspected.Remove(member.Name) : suspected.Add(member.Name);
    }

    /// <summary>An owner that may not go on, or a standby whose owner may be anybody: the copy waits for the outcome.</summary>
    private void Suspend(HeldLog held)
    {
        held.Role = LogRole.Found;
        held.Owner = null;
        held.Replication.Choose(null, alone: false);
        Show(held);
    }

    private void Show(HeldLog held)
    {
        held.Owned?.Update(held.Copy.State.Epoch, held.Replication.Standby);
        toPublish.Add(held.Id);
    }

    private void SendChanges()
    {
        if (toPublish.Count == 0)
        {
            return;
        }
        var entries = ImmutableArray.CreateBuilder<TableEntry>();
        var removed = ImmutableArray.CreateBuilder<string>();
        foreach (var id in toPublish)
        {
            if (logs.TryGetValue(id, out var held) && held.Role != LogRole.Standby)
            {
                Registry.SetOwn(held.Entry);
                entries.Add(held.Entry);
            }
            else
            {
                Registry.RemoveOwn(id);
                removed.Add(id);
            }
        }
        toPublish.Clear();
        Broadcast(new LogMessage.Table(false, entries.DrainToImmutable(), removed.DrainToImmutable(), []));
    }

    private void SendTable(string node, bool withTombstones)
    {
        ImmutableArray<TableEntry> entries = [.. logs.Values.Where(held => held.Role != LogRole.Standby).Select(held => held.Entry)];
        send(node, TableStream, new LogMessage.Table(true, entries, [], withTombstones ? [.. tombstones.All] : []));
    }

    private void Broadcast(LogMessage message)
    {
        foreach (var node in peers.Keys)
        {
            send(node, TableStream, message);
        }
    }

    /// <summary>Tables have a stream of their own. No id is empty.</summary>
    private const string TableStream = "";

    /// <summary>Snapshots do not hold up the entries of their log.</summary>
    private static string SnapshotStream(string id) => "s " + id;

    private static string EntryStream(string id) => "e " + id;

    private static long NewReign() => BinaryPrimitives.ReadInt64LittleEndian(RandomNumberGenerator.GetBytes(8));

    /// <summary>Rendezvous hash: the member with the highest value, so that each log has its own order of preference.</summary>
    public static ulong Preference(string id, string node) => BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{id}\n{node}")));
}
