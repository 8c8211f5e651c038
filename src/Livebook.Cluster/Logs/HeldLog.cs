namespace Livebook.Cluster.Logs;

/// <summary>What this node is to a log of which it has a copy.</summary>
internal enum LogRole
{
    /// <summary>The only writer.</summary>
    Owner,

    /// <summary>Keeps the second copy for a live owner.</summary>
    Standby,

    /// <summary>Has a copy and waits to learn whose the log is: found on disk, or kept through an expulsion.</summary>
    Found,
}

/// <summary>One log of which this node has a copy. Touched on the loop only.</summary>
internal sealed class HeldLog(string id, LogCopy copy, DiskLog disk, LogRole role)
{
    public string Id => id;
    public LogCopy Copy { get; set; } = copy;
    public DiskLog Disk => disk;
    public LogRole Role { get; set; } = role;

    /// <summary>What the host holds; stays through an expulsion, until the outcome is known.</summary>
    public OwnedLog? Owned { get; set; }

    public OwnerReplication Replication { get; } = new();

    /// <summary>Whose standby this node is.</summary>
    public string? Owner { get; set; }

    /// <summary>Appends, in order, that wait for their last entry to be safe.</summary>
    public Queue<(long Upto, TaskCompletionSource Done)> Waiting { get; } = new();

    /// <summary>Sequence up to which entries are queued for the disk; −1: the file is to be written anew.</summary>
    public long DiskQueued { get; set; } = -1;

    /// <summary>Goes up when a failed write was dealt with, so that its echoes are not dealt with again.</summary>
    public int DiskGeneration { get; set; }

    /// <summary>Do not decide about a found copy earlier (node's running time).</summary>
    public TimeSpan SettleAfter { get; set; }

    /// <summary>Handed to this node, which has not shown itself as the owner yet.</summary>
    public string? HandedTo { get; set; }

    /// <summary>Completes when <see cref="HandedTo"/> has shown itself as the owner.</summary>
    public TaskCompletionSource? HandingOver { get; set; }

    /// <summary>A hand-over waits until the standby has a whole copy, or another one is chosen.</summary>
    public TaskCompletionSource? Filling { get; set; }

    /// <summary>A delete waits for the standby's word.</summary>
    public TaskCompletionSource? Deleting { get; set; }

    public bool InfoChanged { get; set; }

    public TableEntry Entry => new(id, Role == LogRole.Owner, Copy.State, Replication.Standby, Copy.Info);
}
