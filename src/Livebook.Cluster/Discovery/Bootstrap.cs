using System.Collections.Immutable;
using System.Net;
using Livebook.Cluster.Links;

namespace Livebook.Cluster.Discovery;

/// <summary>What came of a probe.</summary>
internal enum ProbeOutcome
{
    /// <summary>One of us answered.</summary>
    Answered,

    /// <summary>The port is closed: nobody is there.</summary>
    Refused,

    /// <summary>No word: frozen, cut off, or never there.</summary>
    Silent,

    /// <summary>Somebody else.</summary>
    Stranger,
}

/// <summary>One probed address. <paramref name="Reply"/> is there when it answered.</summary>
internal sealed record Probed(IPAddress Address, ProbeOutcome Outcome, ProbeReply? Reply = null, long Incarnation = 0, string? Reason = null);

/// <summary>All that one round of discovery found out.</summary>
/// <param name="Now">Monotonic.</param>
/// <param name="Members">Everybody whom this node counts as a member; empty until it is one.</param>
/// <param name="Settled">It misses nobody.</param>
/// <param name="Former">Fellow members of an earlier incarnation: they may live on behind a cut.</param>
internal sealed record Round(
    TimeSpan Now,
    Hint Hint,
    IPAddress Self,
    ProbeStatus Status,
    ImmutableArray<PeerKey> Members,
    bool Settled,
    ImmutableArray<Probed> Probes,
    ImmutableHashSet<IPAddress> Former
);

/// <summary>What to do about it.</summary>
internal abstract record BootstrapStep
{
    public sealed record Wait(string Why) : BootstrapStep;

    /// <summary>Join the island that these nodes belong to.</summary>
    public sealed record Join(ImmutableArray<IPAddress> Seeds) : BootstrapStep;

    /// <summary>Begin a cluster.</summary>
    public sealed record Found : BootstrapStep;

    /// <summary>Leave the own, smaller island, with everybody in it.</summary>
    public sealed record Yield : BootstrapStep;

    /// <summary>Joining takes too long, or the cluster has dropped this incarnation: begin anew.</summary>
    public sealed record Restart(string Why) : BootstrapStep;
}

/// <summary>
/// The rules by which nodes find together. A reducer: one round in, the next state and a step out.
/// DNS only gives hints; who is probed and answers counts.
/// </summary>
internal sealed record Bootstrap
{
    /// <summary>How long the named addresses must not grow before somebody founds.</summary>
    public static readonly TimeSpan Settle = TimeSpan.FromSeconds(2);

    /// <summary>How much longer when some of them do not answer.</summary>
    public static readonly TimeSpan SettleIncomplete = TimeSpan.FromSeconds(6);

    /// <summary>How long an answer must hold only this node before it founds.</summary>
    public static readonly TimeSpan SettleAlone = TimeSpan.FromSeconds(5);

    /// <summary>How long discovery must not name this node, while nobody answers, before it founds all the same.</summary>
    public static readonly TimeSpan SettleUnnamed = TimeSpan.FromSeconds(30);

    /// <summary>How long another island must be seen before one yields.</summary>
    public static readonly TimeSpan IslandSeen = TimeSpan.FromSeconds(1.5);

    /// <summary>Joining is asked for again after this.</summary>
    public static readonly TimeSpan JoinAgain = TimeSpan.FromSeconds(5);

    /// <summary>Joining that takes longer is begun anew.</summary>
    public static readonly TimeSpan JoinLimit = TimeSpan.FromSeconds(15);

    /// <summary>Answers may be random subsets (eight records of Cloud Map): what was named this recently still counts as named.</summary>
    public static readonly TimeSpan NamedFor = TimeSpan.FromSeconds(5);

    public static readonly Bootstrap Start = new();

    /// <summary>When each address was named last by a good answer.</summary>
    public ImmutableDictionary<IPAddress, TimeSpan> Named { get; private init; } = ImmutableDictionary<IPAddress, TimeSpan>.Empty;

    /// <summary>Since when good answers came without a failed or empty one between.</summary>
    public TimeSpan? GoodSince { get; private init; }

    /// <summary>When an address appeared or went.</summary>
    public TimeSpan NamedChanged { get; private init; }

    private TimeSpan? JoiningSince { get; init; }
    private TimeSpan JoinAsked { get; init; }
    private TimeSpan? IslandSince { get; init; }
    private TimeSpan? ForgottenSince { get; init; }

    /// <summary>Good answers for at least <see cref="NamedFor"/> that name this node and not <paramref name="address"/>.</summary>
    public bool Omits(IPAddress address, IPAddress self, TimeSpan now) =>
        GoodSince is { } since && now - since >= NamedFor && Named.ContainsKey(self) && !Named.ContainsKey(address);

    public (Bootstrap State, BootstrapStep Step) Next(Round round)
    {
        var heard = Hear(round);
        return round.Status switch
        {
            ProbeStatus.Up or ProbeStatus.Minority => heard.AsMember(round),
            ProbeStatus.Joining => heard.AsJoining(round),
            _ => heard.AsNobody(round),
        };
    }

    private Bootstrap Hear(Round round)
    {
        if (round.Hint.IsPending)
        {
            return this;
        }
        if (!round.Hint.IsGood)
        {
            return this with { GoodSince = null };
        }
        var named = Named
            .RemoveRange(Named.Where(entry => round.Now - entry.Value >= NamedFor).Select(entry => entry.Key))
            .SetItems(round.Hint.Addresses.Select(address => KeyValuePair.Create(address, round.Now)));
        var same = named.Count == Named.Count && named.Keys.All(Named.ContainsKey);
        return this with { Named = named, GoodSince = GoodSince ?? round.Now, NamedChanged = same ? NamedChanged : round.Now };
    }

    private (Bootstrap, BootstrapStep) AsNobody(Round round)
    {
        var idle = this with { JoiningSince = null, IslandSince = null, ForgottenSince = null };
        var islands = Islands(round);
        if (islands.FirstOrDefault(island => !island.Minority) is { } best)
        {
            return (idle with { JoiningSince = round.Now, JoinAsked = round.Now }, new BootstrapStep.Join(best.Answering));
        }
        if (islands.Count > 0)
        {
            return (idle, new BootstrapStep.Wait("the cluster is cut off from its majority"));
        }
        if (Answered(round).Any(probe => probe.Reply!.Status == ProbeStatus.Joining))
        {
            return (idle, new BootstrapStep.Wait("another node is joining"));
        }
        return MayFound(round) is { } why
            ? (idle, new BootstrapStep.Wait(why))
            : (idle with { JoiningSince = round.Now, JoinAsked = round.Now }, new BootstrapStep.Found());
    }

    /// <summary>Null when this node may begin a cluster; else why not yet.</summary>
    private string? MayFound(Round round)
    {
        if (GoodSince is not { } good || round.Hint.IsPending)
        {
            return "discovery gives no answer";
        }
        var answering = Answered(round).Select(probe => probe.Address).ToList();
        if (answering.Any(address => AddressOrder.Compare(address, round.Self) < 0))
        {
            return "a node with a lower address founds";
        }
        if (round.Former.Any(address => Named.ContainsKey(address) && Outcome(round, address) == ProbeOutcome.Silent))
        {
            return "former members do not answer; they may live on";
        }
        var others = Named.Keys.Where(address => !address.Equals(round.Self)).ToList();
        var needed =
            !Named.ContainsKey(round.Self) ? SettleUnnamed
            : others.Count == 0 ? SettleAlone
            : others.TrueForAll(answering.Contains) ? Settle
            : SettleIncomplete;
        var stable = round.Now - (NamedChanged > good ? NamedChanged : good);
        return stable >= needed ? null : "waiting for others";
    }

    private (Bootstrap, BootstrapStep) AsJoining(Round round)
    {
        var since = JoiningSince ?? round.Now;
        var joining = this with { JoiningSince = since };
        if (round.Now - since >= JoinLimit)
        {
            return (joining, new BootstrapStep.Restart("joining took too long"));
        }
        if (round.Now - JoinAsked >= JoinAgain && Islands(round).FirstOrDefault(island => !island.Minority) is { } best)
        {
            return (joining with { JoinAsked = round.Now }, new BootstrapStep.Join(best.Answering));
        }
        return (joining, new BootstrapStep.Wait("joining"));
    }

    private (Bootstrap, BootstrapStep) AsMember(Round round)
    {
        var member = this with { JoiningSince = null };
        var mine = round.Members.ToImmutableHashSet();
        var own = mine.FirstOrDefault(key => key.Address == round.Self.ToString());
        var islands = Islands(round);
        // Fellow members, of this very incarnation, who do not know this one (any more).
        var forgotten = Answered(round)
            .Any(probe =>
                mine.Contains(new(probe.Address.ToString(), probe.Incarnation)) && probe.Reply!.Status == ProbeStatus.Up && !probe.Reply.Members.Contains(own)
            );
        if (forgotten)
        {
            var since = ForgottenSince ?? round.Now;
            return round.Now - since >= IslandSeen
                ? (member, new BootstrapStep.Restart("the cluster went on without this node"))
                : (member with { ForgottenSince = since }, new BootstrapStep.Wait("a member does not know this node"));
        }
        member = member with { ForgottenSince = null };
        if (islands.FirstOrDefault(island => !island.Members.Overlaps(mine)) is not { } other)
        {
            return (member with { IslandSince = null }, new BootstrapStep.Wait("member"));
        }
        var seen = IslandSince ?? round.Now;
        member = member with { IslandSince = seen };
        var minority = round.Status == ProbeStatus.Minority;
        if (round.Now - seen < IslandSeen || (!minority && !(round.Settled && other.Settled)))
        {
            return (member, new BootstrapStep.Wait("another island is in sight"));
        }
        return Yields(mine, minority, other) ? (member, new BootstrapStep.Yield()) : (member, new BootstrapStep.Wait("another island will yield"));
    }

    private static bool Yields(ImmutableHashSet<PeerKey> mine, bool minority, Island other)
    {
        if (minority != other.Minority)
        {
            return minority;
        }
        var size = mine.Count.CompareTo(other.Members.Count);
        return size < 0 || (size == 0 && AddressOrder.Compare(Lowest(mine), Lowest(other.Members)) > 0);
    }

    private static IPAddress Lowest(IEnumerable<PeerKey> members) => members.Select(key => IPAddress.Parse(key.Address)).Order(AddressOrder.Instance).First();

    private static IEnumerable<Probed> Answered(Round round) => round.Probes.Where(probe => probe is { Outcome: ProbeOutcome.Answered, Reply: not null });

    private static ProbeOutcome Outcome(Round round, IPAddress address) =>
        round.Probes.FirstOrDefault(probe => probe.Address.Equals(address))?.Outcome ?? ProbeOutcome.Silent;

    /// <summary>The clusters in sight, the best one first: not cut off, largest, lowest address.</summary>
    private static List<Island> Islands(Round round) =>
        [
            .. Answered(round)
                .Where(probe => probe.Reply!.Status is ProbeStatus.Up or ProbeStatus.Minority && !probe.Reply.Members.IsEmpty)
                .GroupBy(probe => string.Join(' ', probe.Reply!.Members.Select(key => $"{key.Address}#{key.Incarnation}").Order(StringComparer.Ordinal)))
                .Select(group => new Island(
                    [.. group.First().Reply!.Members],
                    [.. group.Select(probe => probe.Address).Order(AddressOrder.Instance)],
                    group.Any(probe => probe.Reply!.Status == ProbeStatus.Minority),
                    group.All(probe => probe.Reply!.Settled)
                ))
                .OrderBy(island => island.Minority)
                .ThenByDescending(island => island.Members.Count)
                .ThenBy(island => Lowest(island.Members), AddressOrder.Instance),
        ];

    private sealed record Island(ImmutableHashSet<PeerKey> Members, ImmutableArray<IPAddress> Answering, bool Minority, bool Settled);
}
