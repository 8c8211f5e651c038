using System.Collections.Immutable;
using System.Net;
using Livebook.Cluster.Discovery;
using Livebook.Cluster.Links;

namespace Livebook.Cluster.Membership;

/// <summary>What a member told last.</summary>
internal sealed record Report(ImmutableHashSet<PeerKey> Heard, ImmutableHashSet<PeerKey> Dead);

/// <summary>Everything that one node sees of its fellow members at one moment.</summary>
/// <param name="Now">Monotonic.</param>
/// <param name="Members">Who is not out yet, this node too.</param>
/// <param name="Voters">Those of them that are up.</param>
/// <param name="Heard">Other members that were heard just now.</param>
/// <param name="Dead">Other members whose port refused this node, or answered for a later incarnation.</param>
/// <param name="Reports">What those who were heard told.</param>
/// <param name="Omitted">Members that good answers of discovery leave out.</param>
/// <param name="GivenUp">Members that an operator gave up.</param>
internal sealed record Sight(
    TimeSpan Now,
    PeerKey Self,
    ImmutableHashSet<PeerKey> Members,
    ImmutableHashSet<PeerKey> Voters,
    ImmutableHashSet<PeerKey> Heard,
    ImmutableHashSet<PeerKey> Dead,
    ImmutableDictionary<PeerKey, Report> Reports,
    ImmutableHashSet<PeerKey> Omitted,
    ImmutableHashSet<PeerKey> GivenUp
);

/// <summary>What to do about members that are missed.</summary>
internal abstract record Verdict
{
    /// <summary>Everybody is there, or nothing is certain yet.</summary>
    public sealed record Wait : Verdict;

    /// <summary>These are out.</summary>
    public sealed record Down(ImmutableHashSet<PeerKey> Members, string Why) : Verdict;

    /// <summary>This node is on the losing side.</summary>
    public sealed record Lose : Verdict;
}

/// <summary>
/// Who stays when members are missed. Both sides of a cut decide alone and must not decide the same: a reducer over what one node sees.
/// </summary>
internal sealed record Downing
{
    /// <summary>How long the same members must be missed before a cut is decided.</summary>
    public static readonly TimeSpan Stable = TimeSpan.FromSeconds(1.5);

    public static readonly Downing Start = new();

    private ImmutableHashSet<PeerKey> Lost { get; init; } = [];
    private TimeSpan LostSince { get; init; }

    public (Downing State, Verdict Verdict) Next(Sight sight)
    {
        var proven = Proven(sight);
        if (!proven.IsEmpty)
        {
            return (this, new Verdict.Down(proven, sight.GivenUp.IsSupersetOf(proven) ? "given up by an operator" : "its process is gone"));
        }
        var lost = sight.Members.Except(Connected(sight));
        if (lost.IsEmpty)
        {
            return (Start, new Verdict.Wait());
        }
        if (!lost.SetEquals(Lost))
        {
            return (new Downing { Lost = lost, LostSince = sight.Now }, new Verdict.Wait());
        }
        return (this, sight.Now - LostSince < Stable ? new Verdict.Wait() : Cut(sight, lost));
    }

    /// <summary>Dead by this node's own eyes and by those of every other voter that is heard and lives, or given up.</summary>
    private static ImmutableHashSet<PeerKey> Proven(Sight sight)
    {
        var witnesses = sight.Heard.Intersect(sight.Voters).Except(sight.Dead);
        return sight
            .Dead.Where(dead => witnesses.All(witness => sight.Reports.TryGetValue(witness, out var report) && report.Dead.Contains(dead)))
            .Concat(sight.GivenUp)
            .Where(sight.Members.Contains)
            .ToImmutableHashSet();
    }

    /// <summary>Who is heard, or heard by somebody who is: a broken link between two nodes puts nobody out.</summary>
    private static ImmutableHashSet<PeerKey> Connected(Sight sight)
    {
        var connected = ImmutableHashSet.Create(sight.Self).Union(sight.Heard).Intersect(sight.Members);
        var open = new Queue<PeerKey>(connected.Remove(sight.Self));
        while (open.TryDequeue(out var member))
        {
            foreach (var next in sight.Reports.TryGetValue(member, out var report) ? report.Heard.Intersect(sight.Members) : [])
            {
                if (!connected.Contains(next))
                {
                    connected = connected.Add(next);
                    open.Enqueue(next);
                }
            }
        }
        return connected;
    }

    private static Verdict Cut(Sight sight, ImmutableHashSet<PeerKey> lost)
    {
        var here = sight.Voters.Except(lost);
        var there = sight.Voters.Intersect(lost);
        if (!here.Contains(sight.Self))
        {
            return new Verdict.Wait();
        }
        if (here.Count > there.Count)
        {
            return new Verdict.Down(lost, "it is cut off from the majority");
        }
        if (here.Count < there.Count)
        {
            return new Verdict.Lose();
        }
        if (here.Contains(Lowest(sight.Voters)))
        {
            return new Verdict.Down(lost, "it is cut off from the half with the lowest address");
        }
        return there.All(sight.Omitted.Contains) ? new Verdict.Down(lost, "it does not answer and discovery has dropped it") : new Verdict.Lose();
    }

    private static PeerKey Lowest(IEnumerable<PeerKey> voters) => voters.OrderBy(key => IPAddress.Parse(key.Address), AddressOrder.Instance).First();
}
