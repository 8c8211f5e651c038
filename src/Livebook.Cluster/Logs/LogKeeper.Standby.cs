using Microsoft.Extensions.Logging;

namespace Livebook.Cluster.Logs;

/// <summary>The standby's side.</summary>
internal sealed partial class LogKeeper
{
    private void OnSnapshot(string from, LogMessage.Snapshot message)
    {
        if (tombstones.EpochOf(message.Id) >= message.State.Epoch)
        {
            send(from, TableStream, new LogMessage.Table(false, [], [], [new Tombstone(message.Id, tombstones.EpochOf(message.Id), time.GetUtcNow())]));
            return;
        }
        var held = logs.GetValueOrDefault(message.Id);
        if (held is { Role: LogRole.Standby } && held.Owner == from && held.Copy.State.Reign == message.State.Reign)
        {
            if (StandbyReplica.Compact(held.Copy, message.At, message.Bytes))
            {
                held.Copy.Info = message.Info;
                held.DiskQueued = -1;
                dirty.Add(held);
            }
            Owe(from, held, gap: false);
            return;
        }
        if (held is not null && !Accepts(held, from, message.State))
        {
            return;
        }
        var copy = new LogCopy(message.Id, message.State with { AsOwner = false }, message.At, message.Bytes, message.Info);
        if (held is null)
        {
            logs[message.Id] = held = new HeldLog(message.Id, copy, DiskFor(message.Id), LogRole.Standby);
        }
        held.Copy = copy;
        held.Role = LogRole.Standby;
        held.Owner = from;
        Taken(held);
        held.DiskQueued = -1;
        held.Replication.Choose(null, alone: false);
        dirty.Add(held);
        toPublish.Add(held.Id);
        Owe(from, held, gap: false);
    }

    /// <summary>Whether a claim to a log of which this node has a copy is better than what it knows. If so, what it was to the log ends.</summary>
    private bool Accepts(HeldLog held, string from, CopyState claim)
    {
        var verdict = Copies.Compare(claim, from, held.Copy.State, mesh.Self);
        var rival = held.Role == LogRole.Standby && held.Owner != from && claim.Epoch <= held.Copy.State.Epoch;
        if (!verdict.FirstWins || rival)
        {
            send(from, EntryStream(held.Id), new LogMessage.Refuse(held.Id, held.Copy.State));
            return false;
        }
        if (held.Owned is not null)
        {
            Surrender(held, OwnershipReason.Fenced);
        }
        if (verdict.Diverged)
        {
            PutAside(held);
        }
        return true;
    }

    private void PutAside(HeldLog held)
    {
        var suffix = AsideSuffix("diverged");
        WriteDisk(held);
        log.LogError(
            "Log {Log}: this node's copy (epoch {Epoch}, {Last} entries) and the one that goes on differ; this one is kept as {File}.",
            held.Id,
            held.Copy.State.Epoch,
            held.Copy.Last,
            Path.GetFileName(held.Disk.FilePath) + suffix
        );
        Watch(held, held.Disk.KeepAsideAsync(suffix), held.DiskQueued, durable: false);
    }

    private void OnAppend(string from, LogMessage.Append message)
    {
        var held = logs.GetValueOrDefault(message.Id);
        if (held is { Role: LogRole.Standby } && held.Owner == from && held.Copy.State.Reign == message.Reign)
        {
            var answer = StandbyReplica.Append(held.Copy, message.First, message.Entries);
            if (answer.Applied > 0)
            {
                dirty.Add(held);
            }
            Owe(from, held, answer.Gap);
            return;
        }
        if (held is not null && held.Copy.State.Epoch > message.Epoch)
        {
            send(from, EntryStream(held.Id), new LogMessage.Refuse(held.Id, held.Copy.State));
            return;
        }
        owedAnswers[(from, message.Id)] = (message.Reign, -1, false);
    }

    /// <summary>Answers at the end of the batch, once for all that came; by then everything is queued for the disk.</summary>
    private void Owe(string owner, HeldLog held, bool gap) => owedAnswers[(owner, held.Id)] = (held.Copy.State.Reign, held.Copy.Last, gap);

    private void OnDrop(string from, LogMessage.Drop message)
    {
        if (logs.TryGetValue(message.Id, out var held) && held.Role == LogRole.Standby && held.Owner == from && held.Copy.State.Reign == message.Reign)
        {
            _ = Remove(held);
        }
    }

    private void OnDelete(string from, LogMessage.Delete message)
    {
        Bury([new Tombstone(message.Id, message.Epoch, time.GetUtcNow())]);
        send(from, EntryStream(message.Id), new LogMessage.Deleted(message.Id));
    }

    private void OnHandOver(string from, LogMessage.HandOver message)
    {
        if (
            logs.TryGetValue(message.Id, out var held)
            && held.Role == LogRole.Standby
            && held.Owner == from
            && held.Copy.State.Reign == message.Reign
            && held.Copy.Last == message.Last
        )
        {
            TakeOver(held, OwnershipReason.Handover);
            return;
        }
        send(from, EntryStream(message.Id), new LogMessage.Acknowledge(message.Id, message.Reign, -1, false));
    }

    /// <summary>A live standby becomes the owner. It has everything that was acknowledged: its word was needed for it.</summary>
    private void TakeOver(HeldLog held, OwnershipReason reason)
    {
        if (Active)
        {
            Adopt(held, held.Copy.State.Epoch + 1, certain: true, reason);
        }
        else
        {
            Suspend(held);
        }
    }
}
