using System.Collections.Immutable;

namespace Livebook.Cluster.Logs;

/// <summary>A stretch of a log written by one owner without interruption.</summary>
/// <param name="Reign">Random; no two adoptions share one, so (reign, sequence) names one entry in all the world.</param>
/// <param name="Epoch">Epoch of that owner.</param>
/// <param name="Start">Sequence of the last entry before it.</param>
/// <param name="Certain">The owner held everything acknowledged when it began: it made the log, or was the live standby of an owner that was downed, or was handed the log.</param>
internal readonly record struct Segment(long Reign, long Epoch, long Start, bool Certain);

/// <summary>What a copy of a log knows about itself, enough to compare two copies without their contents.</summary>
/// <param name="Lineage">Owners in order; the last is the present one. Stretches without entries are left out, except the last.</param>
/// <param name="Last">Sequence of the last entry.</param>
/// <param name="AsOwner">Written by the owner itself, not by its standby.</param>
internal sealed record CopyState(ImmutableArray<Segment> Lineage, long Last, bool AsOwner)
{
    /// <summary>Longer histories forget their beginning; two copies without a common stretch count as diverged.</summary>
    public const int MaximumSegments = 64;

    public long Epoch => Lineage[^1].Epoch;

    public long Reign => Lineage[^1].Reign;

    /// <summary>The state after a new owner began.</summary>
    public CopyState Begin(long reign, long epoch, bool certain)
    {
        var last = Lineage[^1];
        var empty = last.Start == Last && Lineage.Length > 1;
        // An empty stretch leaves no trace but its certainty: what was settled by it stays settled.
        var kept = empty ? Lineage.RemoveAt(Lineage.Length - 1) : Lineage;
        kept = kept.Add(new Segment(reign, epoch, Last, certain || (empty && last.Certain)));
        return this with { Lineage = kept.Length > MaximumSegments ? kept.RemoveRange(0, kept.Length - MaximumSegments) : kept, AsOwner = true };
    }

    internal long EndOf(int index) => index + 1 < Lineage.Length ? Lineage[index + 1].Start : Last;
}

/// <param name="FirstWins">The first copy is the one to go on with.</param>
/// <param name="Diverged">The losing copy holds entries that the winner lacks and that may have been acknowledged: keep them aside.</param>
internal readonly record struct Verdict(bool FirstWins, bool Diverged);

/// <summary>
/// Which of two copies of one log to go on with, when both turn up (after restarts, cuts, late returns).
/// The rule, from the place where the two histories part:
/// <list type="number">
/// <item>A branch begun by a live takeover wins: the live standby had every acknowledged entry, so what the other has beyond is unacknowledged.</item>
/// <item>Otherwise nobody knows which of the entries beyond were acknowledged (an owner whose standby died acknowledges alone). The copy that has
/// entries beyond the parting wins over the one that has none, whatever the epochs say: an early restarter that adopted a stale copy and wrote nothing
/// gives way to the late one that has more.</item>
/// <item>Nothing beyond on either side: the higher epoch, then the owner's own copy, then the name.</item>
/// <item>Both went on (two failures in a row and users on both sides): the higher epoch, then the longer, then the name. The loser is kept aside as a file and reported.</item>
/// </list>
/// </summary>
internal static class Copies
{
    public static Verdict Compare(CopyState first, string firstNode, CopyState second, string secondNode)
    {
        var (fork, firstCertain, secondCertain) = Fork(first, second);
        var firstBeyond = first.Last > fork;
        var secondBeyond = second.Last > fork;
        if (firstCertain != secondCertain)
        {
            return new Verdict(firstCertain, false);
        }
        if (firstBeyond != secondBeyond)
        {
            return new Verdict(firstBeyond, false);
        }
        var order = first.Epoch.CompareTo(second.Epoch);
        order = order != 0 ? order : first.Last.CompareTo(second.Last);
        order = order != 0 ? order : first.AsOwner.CompareTo(second.AsOwner);
        order = order != 0 ? order : -string.CompareOrdinal(firstNode, secondNode);
        return new Verdict(order >= 0, firstBeyond);
    }

    /// <summary>Sequence up to which both are the same (−1: nothing), and whether a live takeover began each branch behind it.</summary>
    private static (long Fork, bool FirstCertain, bool SecondCertain) Fork(CopyState first, CopyState second)
    {
        for (var i = first.Lineage.Length - 1; i >= 0; i--)
        {
            for (var j = second.Lineage.Length - 1; j >= 0; j--)
            {
                if (first.Lineage[i].Reign == second.Lineage[j].Reign)
                {
                    return (Math.Min(first.EndOf(i), second.EndOf(j)), CertainAfter(first, i), CertainAfter(second, j));
                }
            }
        }
        return (-1, false, false);
    }

    private static bool CertainAfter(CopyState copy, int index) => copy.Lineage.Skip(index + 1).Any(segment => segment.Certain);
}
