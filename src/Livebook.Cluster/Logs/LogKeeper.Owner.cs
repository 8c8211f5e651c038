using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace Livebook.Cluster.Logs;

/// <summary>The owner's side: calls of the host, replication, what is safe.</summary>
internal sealed partial class LogKeeper
{
    /// <summary>Entries of one message, in bytes; a single larger entry goes by itself.</summary>
    private const int AppendBytes = 192 * 1024;

    public async Task<IOwnedLog> CreateAsync(string id, ReadOnlyMemory<byte> snapshot, ReadOnlyMemory<byte> info, CancellationToken stop)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        var (held, done) = await loop.AskAsync(() =>
        {
            if (draining.Contains(mesh.Self))
            {
                throw new InvalidOperationException("This node is about to leave its cluster and takes nothing new.");
            }
            if (!Active)
            {
                throw new InvalidOperationException($"This node is {mesh.Status}: nothing can be made here until it is a member of its cluster.");
            }
            if (logs.ContainsKey(id) || Registry.Logs.ContainsKey(id) || Registry.OwnersOf(id).Any())
            {
                throw new InvalidOperationException($"There is a log with the id {id}.");
            }
            var state = new CopyState([new Segment(NewReign(), tombstones.EpochOf(id) + 1, 0, Certain: true)], 0, AsOwner: true);
            var made = new HeldLog(id, new LogCopy(id, state, 0, snapshot, info), DiskFor(id), LogRole.Owner);
            logs[id] = made;
            made.Owned = new OwnedLog(this, made, state.Epoch);
            ChooseStandby(made);
            return (made, WaitFor(made));
        });
        try
        {
            await done.WaitAsync(stop);
            return held.Owned!;
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            await loop.AskAsync(() => Remove(held));
            throw;
        }
    }

    public Task AppendAsync(HeldLog held, OwnedLog owned, IReadOnlyList<ReadOnlyMemory<byte>> entries, CancellationToken stop)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var posted = loop.Post(() =>
        {
            if (held.Owned != owned)
            {
                done.SetException(Lost(held.Id));
                return;
            }
            foreach (var entry in entries)
            {
                held.Copy.Append(entry);
            }
            held.Waiting.Enqueue((held.Copy.Last, done));
            dirty.Add(held);
            Complete(held);
        });
        return posted ? done.Task.WaitAsync(stop) : Task.FromException(Lost(held.Id));
    }

    public async Task CompactAsync(HeldLog held, OwnedLog owned, ReadOnlyMemory<byte> snapshot, CancellationToken stop)
    {
        var written = await loop.AskAsync(() =>
        {
            if (held.Owned != owned)
            {
                throw Lost(held.Id);
            }
            // What was appended before goes out first: the standby may have its last entries before the snapshot that replaces them.
            Replicate(held);
            held.Copy.Compact(held.Copy.Last, snapshot);
            if (held.Replication is { Standby: { } standby, Filled: true })
            {
                send(standby, SnapshotStream(held.Id), SnapshotOf(held));
            }
            held.DiskQueued = -1;
            return WriteDisk(held);
        });
        await written.WaitAsync(stop);
    }

    public void SetInfo(HeldLog held, OwnedLog owned, ReadOnlyMemory<byte> info) =>
        loop.Post(() =>
        {
            if (held.Owned == owned)
            {
                held.Copy.Info = info;
                held.InfoChanged = true;
            }
        });

    public async Task DeleteAsync(HeldLog held, OwnedLog owned, CancellationToken stop)
    {
        var (known, local) = await loop.AskAsync(() =>
        {
            if (held.Owned != owned)
            {
                throw Lost(held.Id);
            }
            var epoch = held.Copy.State.Epoch;
            var stone = new Tombstone(held.Id, epoch, time.GetUtcNow());
            var stored = tombstones.AddAsync([stone]);
            // The standby forgets it before anybody hears that it is gone; else it would take over what was deleted.
            held.Deleting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (held.Replication.Standby is { } standby)
            {
                send(standby, EntryStream(held.Id), new LogMessage.Delete(held.Id, epoch));
            }
            else
            {
                held.Deleting.SetResult();
            }
            Broadcast(new LogMessage.Table(false, [], [], [stone]));
            held.Owned = null;
            Fail(held, Lost(held.Id));
            return (held.Deleting.Task, stored);
        });
        await known.WaitAsync(stop);
        await local;
        await await loop.AskAsync(() => Remove(held));
    }

    /// <summary>Gives a log to another node, the standby if it is fit; completes when that one has shown itself as the owner.</summary>
    /// <exception cref="InvalidOperationException">This node does not own it, or there is no other node that could.</exception>
    public async Task HandOverAsync(string id, CancellationToken stop)
    {
        while (true)
        {
            var (wait, given) = await loop.AskAsync(() => GiveAway(id));
            await wait.WaitAsync(stop);
            if (given)
            {
                return;
            }
        }
    }

    /// <summary>What to wait for, and whether the word is given by then.</summary>
    private (Task Wait, bool Given) GiveAway(string id)
    {
        if (!logs.TryGetValue(id, out var held) || held is not { Role: LogRole.Owner, Owned: not null })
        {
            throw new InvalidOperationException($"The log {id} is not owned here.");
        }
        if (held.Replication.Standby is not { } standby || !IsFit(standby))
        {
            if (!peers.Keys.Any(IsFit))
            {
                throw new InvalidOperationException($"There is no other node that could take the log {id}.");
            }
            ChooseStandby(held);
            return (FilledOf(held), false);
        }
        if (!held.Replication.Filled)
        {
            return (FilledOf(held), false);
        }
        if (held.Replication.Safe < held.Copy.Last)
        {
            return (WaitFor(held), false);
        }
        send(standby, EntryStream(id), new LogMessage.HandOver(id, held.Copy.State.Reign, held.Copy.Last));
        Surrender(held, OwnershipReason.Handover);
        held.HandedTo = standby;
        held.HandingOver = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return (held.HandingOver.Task, true);
    }

    private static Task FilledOf(HeldLog held) => (held.Filling ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    private static void Refill(HeldLog held)
    {
        held.Filling?.TrySetResult();
        held.Filling = null;
    }

    /// <summary>Somebody has shown itself as the owner of what was handed over.</summary>
    private static void Taken(HeldLog held)
    {
        held.HandedTo = null;
        held.HandingOver?.TrySetResult();
    }

    /// <summary>The node that was to take the log did not: it is this node's to decide about again.</summary>
    private static void HandedBack(HeldLog held, string why)
    {
        held.HandedTo = null;
        held.HandingOver?.TrySetException(new InvalidOperationException(why));
    }

    private static OwnershipLostException Lost(string id) => new($"This node does not own the log {id} any more.");

    /// <summary>Completes when everything that the copy has now is safe.</summary>
    private Task WaitFor(HeldLog held)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        held.Waiting.Enqueue((held.Copy.Last, done));
        dirty.Add(held);
        Complete(held);
        return done.Task;
    }

    private void ChooseStandby(HeldLog held)
    {
        if (options.UnsafeWithoutReplication)
        {
            held.Replication.Choose(null, alone: false);
            Complete(held);
            Show(held);
            return;
        }
        Refill(held);
        // Whoever is about to leave, or does not answer, is better than nobody: without a second copy a loss would be final.
        var choice = peers
            .Keys.OrderBy(draining.Contains)
            .ThenBy(suspected.Contains)
            .ThenByDescending(node => Preference(held.Id, node))
            .FirstOrDefault(_ => Active);
        held.Replication.Choose(choice, alone: Active && peers.Count == 0);
        if (held.Replication.Alone)
        {
            // So far the disk was behind; what nobody else has must be on it before it counts.
            WriteDisk(held);
            Watch(held, held.Disk.FlushAsync(), held.DiskQueued, durable: true);
        }
        Complete(held);
        dirty.Add(held);
        Show(held);
    }

    /// <summary>Sends the standby what it lacks.</summary>
    private void Replicate(HeldLog held)
    {
        var replication = held.Replication;
        if (held.Role != LogRole.Owner || held.Owned is null || replication.Standby is not { } standby)
        {
            return;
        }
        if (replication.OwesSnapshot || (replication.Filled && replication.Sent < held.Copy.SnapshotAt))
        {
            send(standby, SnapshotStream(held.Id), SnapshotOf(held));
            replication.OnSnapshotSent(held.Copy.SnapshotAt, Now);
        }
        if (!replication.Filled || replication.Sent >= held.Copy.Last)
        {
            return;
        }
        var batch = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        var (first, bytes) = (replication.Sent + 1, 0);
        foreach (var entry in held.Copy.After(replication.Sent))
        {
            if (bytes > 0 && bytes + entry.Length > AppendBytes)
            {
                SendEntries(held, standby, first, batch.ToImmutable());
                (first, bytes) = (first + batch.Count, 0);
                batch.Clear();
            }
            batch.Add(entry);
            bytes += entry.Length + 4;
        }
        SendEntries(held, standby, first, batch.ToImmutable());
        replication.OnEntriesSent(held.Copy.Last, Now);
    }

    private void SendEntries(HeldLog held, string standby, long first, ImmutableArray<ReadOnlyMemory<byte>> entries) =>
        send(standby, EntryStream(held.Id), new LogMessage.Append(held.Id, held.Copy.State.Epoch, held.Copy.State.Reign, first, entries));

    private static LogMessage.Snapshot SnapshotOf(HeldLog held) => new(held.Id, held.Copy.State, held.Copy.SnapshotAt, held.Copy.Info, held.Copy.Snapshot);

    private void OnAcknowledge(string from, LogMessage.Acknowledge message)
    {
        if (!logs.TryGetValue(message.Id, out var held) || held.Copy.State.Reign != message.Reign)
        {
            return;
        }
        if (held.HandedTo == from && message.Last < 0)
        {
            HandedBack(held, $"{from} does not have all of the log.");
            return;
        }
        if (held.Role == LogRole.Owner)
        {
            held.Replication.OnAcknowledged(from, message.Last, message.Gap, Now);
            if (held.Replication.Filled)
            {
                Refill(held);
            }
            Complete(held);
            dirty.Add(held);
        }
    }

    /// <summary>Lets the appends go whose entries are safe.</summary>
    private void Complete(HeldLog held)
    {
        var safe = options.UnsafeWithoutReplication ? held.Copy.Last : held.Replication.Safe;
        while (held.Waiting.TryPeek(out var first) && first.Upto <= safe)
        {
            held.Waiting.Dequeue();
            first.Done.TrySetResult();
        }
    }

    private static void Fail(HeldLog held, Exception error)
    {
        while (held.Waiting.TryDequeue(out var waiting))
        {
            waiting.Done.TrySetException(error);
        }
    }

    /// <summary>This node is not the owner any more; its copy stays until somebody shows that they have the log.</summary>
    private void Surrender(HeldLog held, OwnershipReason reason)
    {
        if (held.Owned is not null)
        {
            if (reason == OwnershipReason.Fenced)
            {
                log.LogWarning("Log {Log}: another node has more right to it; this node gives it up.", held.Id);
            }
            held.Owned = null;
            Fail(held, Lost(held.Id));
            Refill(held);
            calls.Release(held.Id, reason);
        }
        if (reason == OwnershipReason.Fenced && held.Replication.Standby is { } standby)
        {
            send(standby, EntryStream(held.Id), new LogMessage.Drop(held.Id, held.Copy.State.Reign));
        }
        Suspend(held);
        held.SettleAfter = Now + FencePause;
    }

    private void OnRefuse(string from, LogMessage.Refuse message)
    {
        if (
            logs.TryGetValue(message.Id, out var held)
            && held.Role == LogRole.Owner
            && !Copies.Compare(held.Copy.State, mesh.Self, message.State, from).FirstWins
        )
        {
            Surrender(held, OwnershipReason.Fenced);
        }
    }
}
