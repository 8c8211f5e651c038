namespace Livebook.Cluster.Logs;

/// <summary>What a standby answers to an append or a snapshot.</summary>
/// <param name="Last">What it has, in any case.</param>
/// <param name="Gap">Something before what came is missing: send again from there.</param>
/// <param name="Applied">How many of the entries were new.</param>
internal readonly record struct StandbyAnswer(long Last, bool Gap, int Applied);

/// <summary>The standby's side of one log: accepts what follows on from what it has, from one reign only. Pure but for the copy that it fills.</summary>
internal static class StandbyReplica
{
    /// <summary>Entries that begin at sequence <paramref name="first"/>. Repetitions are skipped, a gap is refused.</summary>
    public static StandbyAnswer Append(LogCopy copy, long first, IReadOnlyList<ReadOnlyMemory<byte>> entries)
    {
        if (first > copy.Last + 1)
        {
            return new StandbyAnswer(copy.Last, true, 0);
        }
        var known = (int)Math.Min(copy.Last + 1 - first, entries.Count);
        for (var i = known; i < entries.Count; i++)
        {
            copy.Append(entries[i]);
        }
        return new StandbyAnswer(copy.Last, false, entries.Count - known);
    }

    /// <summary>A later snapshot of the same reign; true when it replaced anything.</summary>
    public static bool Compact(LogCopy copy, long at, ReadOnlyMemory<byte> snapshot)
    {
        if (at <= copy.SnapshotAt)
        {
            return false;
        }
        copy.Compact(at, snapshot);
        return true;
    }
}
