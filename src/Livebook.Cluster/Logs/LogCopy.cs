using System.Collections.Immutable;

namespace Livebook.Cluster.Logs;

/// <summary>The contents of one log in memory: a snapshot and the entries behind it.</summary>
internal sealed class LogCopy(string id, CopyState state, long snapshotAt, ReadOnlyMemory<byte> snapshot, ReadOnlyMemory<byte> info)
{
    private readonly List<ReadOnlyMemory<byte>> entries = [];

    public string Id => id;

    public CopyState State { get; private set; } = state with { Last = snapshotAt };

    public long SnapshotAt { get; private set; } = snapshotAt;

    public ReadOnlyMemory<byte> Snapshot { get; private set; } = snapshot;

    public ReadOnlyMemory<byte> Info { get; set; } = info;

    public long Last => State.Last;

    public void Append(ReadOnlyMemory<byte> entry)
    {
        entries.Add(entry);
        State = State with { Last = Last + 1 };
    }

    /// <summary>The entries behind <paramref name="after"/>, which is not before the snapshot.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> After(long after) =>
        [.. System.Runtime.InteropServices.CollectionsMarshal.AsSpan(entries)[(int)(after - SnapshotAt)..]];

    /// <summary>Puts a snapshot in the place of everything up to <paramref name="at"/>. One beyond the last entry replaces everything.</summary>
    public void Compact(long at, ReadOnlyMemory<byte> snapshot)
    {
        entries.RemoveRange(0, (int)Math.Min(at - SnapshotAt, entries.Count));
        State = State with { Last = Math.Max(at, Last) };
        SnapshotAt = at;
        Snapshot = snapshot;
    }

    /// <summary>Takes back everything behind <paramref name="after"/> (nobody has it).</summary>
    public void Truncate(long after)
    {
        var keep = (int)(after - SnapshotAt);
        entries.RemoveRange(keep, entries.Count - keep);
        State = State with { Last = after };
    }

    public void SetState(CopyState state) => State = state with { Last = Last };

    public LogContents Contents() => new(Snapshot, [.. entries]);
}
