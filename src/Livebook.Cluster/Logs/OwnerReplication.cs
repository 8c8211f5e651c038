namespace Livebook.Cluster.Logs;

/// <summary>
/// What an owner decides about its second copy: what to send next, and up to where entries are safe. Pure: sequences in, decisions out.
/// Safe means: the standby confirmed it, or, when the caller says that this node is alone, the disk has it. While a standby is chosen
/// and not yet filled, suspected, or the node is halted (cut off, joining), nothing becomes safe; what was safe stays so.
/// </summary>
internal sealed class OwnerReplication
{
    /// <summary>Without progress for this long, entries are sent again (the link repeats by itself; this is the second belt).</summary>
    public static readonly TimeSpan RepeatEntriesAfter = TimeSpan.FromSeconds(3);

    /// <summary>The same for snapshots, which may travel long.</summary>
    public static readonly TimeSpan RepeatSnapshotAfter = TimeSpan.FromSeconds(60);

    private bool snapshotSent;
    private long acknowledged = -1;
    private TimeSpan progressAt;

    /// <summary>Holds the second copy, or is being filled.</summary>
    public string? Standby { get; private set; }

    /// <summary>The standby has a whole copy.</summary>
    public bool Filled { get; private set; }

    /// <summary>Sequence up to which entries were handed to the link.</summary>
    public long Sent { get; private set; } = -1;

    /// <summary>Sequence up to which the disk has everything.</summary>
    public long Durable { get; private set; } = -1;

    /// <summary>There is no other node, and this one may go on by itself.</summary>
    public bool Alone { get; private set; }

    /// <summary>Sequence up to which entries may be acknowledged. Never goes down. −1: not even the first snapshot.</summary>
    public long Safe { get; private set; } = -1;

    /// <summary>The standby needs a snapshot now.</summary>
    public bool OwesSnapshot => Standby is not null && !Filled && !snapshotSent;

    /// <summary>Chooses who holds the second copy; null: nobody. <paramref name="alone"/>: then the disk alone makes entries safe.</summary>
    public void Choose(string? standby, bool alone)
    {
        Standby = standby;
        Alone = standby is null && alone;
        Filled = false;
        snapshotSent = false;
        acknowledged = -1;
        Sent = -1;
        Advance();
    }

    public void OnSnapshotSent(long at, TimeSpan now)
    {
        snapshotSent = true;
        Sent = at;
        progressAt = now;
    }

    public void OnEntriesSent(long upTo, TimeSpan now)
    {
        progressAt = Sent == acknowledged ? now : progressAt;
        Sent = upTo;
    }

    /// <summary>The standby says what it has; −1: nothing of this reign.</summary>
    public void OnAcknowledged(string from, long last, bool gap, TimeSpan now)
    {
        if (from != Standby)
        {
            return;
        }
        if (last < 0)
        {
            Filled = false;
            snapshotSent = false;
            return;
        }
        if (!Filled)
        {
            Filled = true;
            Sent = last;
        }
        progressAt = last > acknowledged ? now : progressAt;
        acknowledged = Math.Max(acknowledged, last);
        if (gap)
        {
            Sent = acknowledged;
        }
        Advance();
    }

    public void OnDurable(long upTo)
    {
        Durable = Math.Max(Durable, upTo);
        Advance();
    }

    /// <summary>Entries behind <paramref name="after"/> were taken back.</summary>
    public void OnTruncated(long after) => Durable = Math.Min(Durable, after);

    /// <summary>To be called now and then; true when something is to be sent again.</summary>
    public bool Tick(TimeSpan now)
    {
        if (Standby is null || (Filled && Sent == acknowledged) || now - progressAt < (Filled ? RepeatEntriesAfter : RepeatSnapshotAfter))
        {
            return false;
        }
        progressAt = now;
        Sent = acknowledged;
        snapshotSent = Filled;
        return true;
    }

    private void Advance()
    {
        if (Standby is not null && Filled)
        {
            Safe = Math.Max(Safe, acknowledged);
        }
        else if (Alone)
        {
            Safe = Math.Max(Safe, Durable);
        }
    }
}
