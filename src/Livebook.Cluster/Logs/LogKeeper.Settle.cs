using Microsoft.Extensions.Logging;

namespace Livebook.Cluster.Logs;

/// <summary>
/// Whose a found copy is. Decided only by an active node that has the whole table of every member, with <see cref="Copies.Compare"/> on the same
/// facts everywhere, so that exactly one node goes on with a log, and that from the best copy in sight. Copies that turn up later
/// are compared again: with what the owner has then.
/// </summary>
internal sealed partial class LogKeeper
{
    private void OnTable(string from, LogMessage.Table table)
    {
        Registry.Apply(from, table);
        Bury(table.Tombstones);
        foreach (var entry in table.Entries)
        {
            if (!logs.TryGetValue(entry.Id, out var held))
            {
                continue;
            }
            if (held.HandedTo == from && entry.Owns)
            {
                Taken(held);
            }
            // Somebody else's copy, owned or found, may have more right to the log than this owner's.
            if (held.Role == LogRole.Owner && !Copies.Compare(held.Copy.State, mesh.Self, entry.State, from).FirstWins)
            {
                Surrender(held, OwnershipReason.Fenced);
            }
        }
        Settle();
    }

    private void Bury(IEnumerable<Tombstone> stones)
    {
        var added = stones.ToList();
        if (added.Count == 0)
        {
            return;
        }
        _ = tombstones.AddAsync(added);
        foreach (var stone in added)
        {
            Registry.Forget(stone.Id);
            if (logs.TryGetValue(stone.Id, out var held) && held.Copy.State.Epoch <= tombstones.EpochOf(stone.Id))
            {
                BuryOne(held);
            }
        }
    }

    private void BuryOne(HeldLog held)
    {
        if (held.Owned is not null)
        {
            calls.Release(held.Id, OwnershipReason.Deleted);
        }
        _ = Remove(held);
    }

    private void Settle()
    {
        if (!Active || activeSince == TimeSpan.MinValue || !KnowsEveryTable || Now - newcomerAt < Pause)
        {
            return;
        }
        foreach (var held in logs.Values.Where(held => held.Role == LogRole.Found && held.HandedTo is null && Now >= held.SettleAfter).ToList())
        {
            SettleOne(held);
        }
    }

    private TimeSpan Pause =>
        mesh.Status == NodeStatus.Member ? MemberPause
        : !options.IsClustered || promoted ? TimeSpan.Zero
        : FounderPause;

    private void SettleOne(HeldLog held)
    {
        var mine = held.Copy.State;
        if (tombstones.EpochOf(held.Id) >= mine.Epoch)
        {
            BuryOne(held);
            return;
        }
        var others = Registry.Others(held.Id).ToList();
        foreach (var (node, entry) in others.Where(other => other.Entry.Owns))
        {
            var verdict = Copies.Compare(mine, mesh.Self, entry.State, node);
            if (!verdict.FirstWins)
            {
                Discard(held, node, verdict);
                return;
            }
        }
        var better = others.Any(other => other.Entry.Owns || !Copies.Compare(mine, mesh.Self, other.Entry.State, other.Node).FirstWins);
        if (better || (MayBeStale(held, others) && Now - activeSince < StandbyGrace))
        {
            return;
        }
        var highest = others.Select(other => other.Entry.State.Epoch).DefaultIfEmpty(0).Max();
        if (held.Owned is not null && highest <= mine.Epoch)
        {
            Resume(held);
            return;
        }
        Adopt(held, Math.Max(mine.Epoch, highest) + 1, certain: false, OwnershipReason.Restarted);
    }

    /// <summary>The copy of a standby, and its owner is not in sight: it may have gone on alone, so it gets some time to show up.</summary>
    private bool MayBeStale(HeldLog held, List<(string Node, TableEntry Entry)> others) =>
        !promoted && !held.Copy.State.AsOwner && !others.Any(other => other.Entry.State.AsOwner);

    private void Discard(HeldLog held, string winner, Verdict verdict)
    {
        if (held.Owned is not null)
        {
            Surrender(held, OwnershipReason.Fenced);
        }
        if (verdict.Diverged)
        {
            PutAside(held);
        }
        log.LogInformation("Log {Log}: {Node} goes on with it; this node's copy is dropped.", held.Id, winner);
        _ = Remove(held);
    }

    /// <summary>Nobody took over while this node was out: it goes on where it was.</summary>
    private void Resume(HeldLog held)
    {
        held.Role = LogRole.Owner;
        ChooseStandby(held);
    }

    private void Adopt(HeldLog held, long epoch, bool certain, OwnershipReason reason)
    {
        var kept = held.Owned;
        // The copy has the description of its last snapshot; the last owner's list had the newest.
        held.Copy.Info = Registry.Logs.TryGetValue(held.Id, out var listed) ? listed.Info : held.Copy.Info;
        held.Role = LogRole.Owner;
        held.Owner = null;
        WriteState(held, held.Copy.State.Begin(NewReign(), epoch, certain));
        held.Owned = kept ?? new OwnedLog(this, held, epoch);
        ChooseStandby(held);
        Registry.RemoveOrphan(held.Id);
        if (kept is null)
        {
            calls.Adopt(held.Owned, held.Copy.Contents(), reason);
        }
        log.LogDebug("Log {Log}: owned here now ({Reason}, epoch {Epoch}, {Last} entries).", held.Id, reason, epoch, held.Copy.Last);
    }
}
