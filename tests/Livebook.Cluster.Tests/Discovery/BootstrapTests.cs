using System.Collections.Immutable;
using System.Net;
using Livebook.Cluster.Discovery;
using Livebook.Cluster.Links;

namespace Livebook.Cluster.Tests.Discovery;

public sealed class BootstrapTests
{
    private static readonly IPAddress One = IPAddress.Parse("10.0.0.1");
    private static readonly IPAddress Two = IPAddress.Parse("10.0.0.2");
    private static readonly IPAddress Nine = IPAddress.Parse("10.0.0.9");
    private static readonly IPAddress Ten = IPAddress.Parse("10.0.0.10");

    [Fact]
    public void The_lowest_answering_address_founds_once_the_answer_is_stable_for_two_seconds()
    {
        var run = new Run(One);
        Assert.IsType<BootstrapStep.Wait>(run.Round(0, Names(One, Two), Idle(Two)));
        Assert.IsType<BootstrapStep.Wait>(run.Round(1.9, Names(One, Two), Idle(Two)));
        Assert.IsType<BootstrapStep.Found>(run.Round(2, Names(One, Two), Idle(Two)));
    }

    [Fact]
    public void Nobody_else_than_the_lowest_founds()
    {
        var run = new Run(Two);
        for (var at = 0.0; at < 60; at += 0.5)
        {
            Assert.IsType<BootstrapStep.Wait>(run.Round(at, Names(One, Two), Idle(One)));
        }
    }

    [Fact]
    public void Addresses_are_ordered_by_number_and_not_by_text()
    {
        Assert.IsType<BootstrapStep.Found>(new Run(Nine).After(2, Names(Nine, Ten), Idle(Ten)));
        Assert.IsType<BootstrapStep.Wait>(new Run(Ten).After(3, Names(Nine, Ten), Idle(Nine)));
    }

    [Fact]
    public void A_silent_lower_address_holds_founding_up_for_four_more_seconds_only()
    {
        Assert.IsType<BootstrapStep.Wait>(new Run(Two).After(5.9, Names(One, Two), new Probed(One, ProbeOutcome.Silent)));
        Assert.IsType<BootstrapStep.Found>(new Run(Two).After(6, Names(One, Two), new Probed(One, ProbeOutcome.Silent)));
    }

    [Fact]
    public void An_answer_with_only_this_node_founds_after_five_seconds()
    {
        Assert.IsType<BootstrapStep.Wait>(new Run(One).After(4.9, Names(One)));
        Assert.IsType<BootstrapStep.Found>(new Run(One).After(5, Names(One)));
    }

    [Fact]
    public void An_answer_without_this_node_founds_late()
    {
        Assert.IsType<BootstrapStep.Wait>(new Run(One).After(29, Names(Two), new Probed(Two, ProbeOutcome.Refused)));
        Assert.IsType<BootstrapStep.Found>(new Run(One).After(30, Names(Two), new Probed(Two, ProbeOutcome.Refused)));
    }

    [Fact]
    public void Failed_and_empty_answers_never_found()
    {
        var run = new Run(One);
        for (var at = 0.0; at < 300; at += 0.5)
        {
            Assert.IsType<BootstrapStep.Wait>(run.Round(at, Hint.Failed("no records")));
        }
    }

    [Fact]
    public void A_failed_answer_starts_the_stable_time_anew()
    {
        var run = new Run(One);
        run.Round(0, Names(One));
        run.Round(4, Hint.Failed("SERVFAIL"));
        Assert.IsType<BootstrapStep.Wait>(run.Round(5, Names(One)));
        Assert.IsType<BootstrapStep.Wait>(run.Round(9.5, Names(One)));
        Assert.IsType<BootstrapStep.Found>(run.Round(10, Names(One)));
    }

    [Fact]
    public void A_newly_named_address_starts_the_stable_time_anew()
    {
        var run = new Run(One);
        run.Round(0, Names(One, Two), Idle(Two));
        Assert.IsType<BootstrapStep.Wait>(run.Round(1.5, Names(One, Two, Nine), Idle(Two), Idle(Nine)));
        Assert.IsType<BootstrapStep.Wait>(run.Round(3, Names(One, Two, Nine), Idle(Two), Idle(Nine)));
        Assert.IsType<BootstrapStep.Found>(run.Round(3.5, Names(One, Two, Nine), Idle(Two), Idle(Nine)));
    }

    [Fact]
    public void Random_subsets_count_as_their_union()
    {
        var run = new Run(Two);
        for (var at = 0.0; at < 20; at += 0.5)
        {
            var hint = (int)(at * 2) % 2 == 0 ? Names(One, Two) : Names(Two, Nine);
            Assert.IsType<BootstrapStep.Wait>(run.Round(at, hint, Idle(One), Idle(Nine)));
        }
        var lowest = new Run(One);
        lowest.Round(0, Names(One, Two), Idle(Two));
        lowest.Round(0.5, Names(One, Nine), Idle(Two), Idle(Nine));
        Assert.IsType<BootstrapStep.Found>(lowest.Round(2.5, Names(One, Two), Idle(Two), Idle(Nine)));
    }

    [Fact]
    public void Somebody_who_joins_is_waited_for() =>
        Assert.IsType<BootstrapStep.Wait>(new Run(One).After(60, Names(One, Two), Answer(Two, ProbeStatus.Joining)));

    [Fact]
    public void The_largest_island_is_joined_at_once()
    {
        var step = new Run(One).Round(
            0,
            Names(One, Two, Nine, Ten),
            Answer(Two, ProbeStatus.Up, Key(Two)),
            Answer(Nine, ProbeStatus.Up, Key(Nine), Key(Ten)),
            Answer(Ten, ProbeStatus.Up, Key(Nine), Key(Ten))
        );
        Assert.Equal([Nine, Ten], Assert.IsType<BootstrapStep.Join>(step).Seeds);
    }

    [Fact]
    public void An_island_is_joined_even_when_names_fail() =>
        Assert.IsType<BootstrapStep.Join>(new Run(One) { Former = [Two] }.Round(0, Hint.Failed("timeout"), Answer(Two, ProbeStatus.Up, Key(Two))));

    [Fact]
    public void A_minority_is_neither_joined_nor_ignored() =>
        Assert.IsType<BootstrapStep.Wait>(new Run(One).After(60, Names(One, Two), Answer(Two, ProbeStatus.Minority, Key(Two), Key(Nine))));

    [Fact]
    public void Whoever_was_a_member_founds_nothing_while_a_former_fellow_is_silent()
    {
        var silent = new Probed(Two, ProbeOutcome.Silent);
        Assert.IsType<BootstrapStep.Wait>(new Run(One) { Former = [Two] }.After(300, Names(One, Two), silent));
        Assert.IsType<BootstrapStep.Found>(new Run(One) { Former = [Two] }.After(5, Names(One), silent));
        Assert.IsType<BootstrapStep.Found>(new Run(One) { Former = [Two] }.After(6, Names(One, Two), new Probed(Two, ProbeOutcome.Refused)));
        Assert.IsType<BootstrapStep.Found>(new Run(One).After(6, Names(One, Two), silent));
    }

    [Fact]
    public void Joining_is_asked_for_again_after_five_seconds_and_begun_anew_after_fifteen()
    {
        var run = new Run(One);
        Assert.IsType<BootstrapStep.Join>(run.Round(0, Names(One, Two), Answer(Two, ProbeStatus.Up, Key(Two))));
        run.Status = ProbeStatus.Joining;
        Assert.IsType<BootstrapStep.Wait>(run.Round(4.5, Names(One, Two), Answer(Two, ProbeStatus.Up, Key(Two))));
        Assert.IsType<BootstrapStep.Join>(run.Round(5, Names(One, Two), Answer(Two, ProbeStatus.Up, Key(Two))));
        Assert.IsType<BootstrapStep.Wait>(run.Round(5.5, Names(One, Two), Answer(Two, ProbeStatus.Up, Key(Two))));
        Assert.IsType<BootstrapStep.Restart>(run.Round(15, Names(One, Two), Answer(Two, ProbeStatus.Up, Key(Two))));
    }

    [Fact]
    public void Of_two_islands_exactly_one_yields()
    {
        IPAddress[] all = [One, Two, Nine, Ten];
        for (var split = 1; split < 15; split++)
        {
            var left = all.Where((_, i) => (split & (1 << i)) != 0).ToList();
            var right = all.Except(left).ToList();
            var leftYields = Island(left, right) is BootstrapStep.Yield;
            var rightYields = Island(right, left) is BootstrapStep.Yield;
            Assert.True(leftYields != rightYields, $"split {split}");
            Assert.True(left.Count == right.Count ? leftYields != left.Contains(One) : leftYields == left.Count < right.Count, $"split {split}");
        }

        static BootstrapStep Island(List<IPAddress> mine, List<IPAddress> theirs)
        {
            var run = new Run(mine[0]) { Status = ProbeStatus.Up, Members = [.. mine.Select(Key)] };
            var reply = Answer(theirs[0], ProbeStatus.Up, [.. theirs.Select(Key)]);
            Assert.IsType<BootstrapStep.Wait>(run.Round(0, Names(theirs[0]), reply));
            return run.Round(1.5, Names(theirs[0]), reply);
        }
    }

    [Fact]
    public void Nobody_yields_while_members_are_missed()
    {
        var run = new Run(Two)
        {
            Status = ProbeStatus.Up,
            Members = [Key(Two)],
            Settled = false,
        };
        Assert.IsType<BootstrapStep.Wait>(run.After(60, Names(One, Two), Answer(One, ProbeStatus.Up, Key(One), Key(Nine))));
    }

    [Fact]
    public void A_minority_yields_to_any_island_that_is_none()
    {
        var minority = new Run(One)
        {
            Status = ProbeStatus.Minority,
            Members = [Key(One), Key(Nine), Key(Ten)],
            Settled = false,
        };
        Assert.IsType<BootstrapStep.Yield>(minority.After(1.5, Names(One, Two), Answer(Two, ProbeStatus.Up, Key(Two))));
        var member = new Run(Two) { Status = ProbeStatus.Up, Members = [Key(Two)] };
        Assert.IsType<BootstrapStep.Wait>(member.After(60, Names(One, Two), Answer(One, ProbeStatus.Minority, Key(One), Key(Nine))));
    }

    [Fact]
    public void Whoever_is_forgotten_by_a_fellow_member_begins_anew_after_a_moment()
    {
        var run = new Run(One)
        {
            Status = ProbeStatus.Minority,
            Members = [Key(One), Key(Two), Key(Nine)],
            Settled = false,
        };
        var reply = Answer(Two, ProbeStatus.Up, Key(Two), Key(Nine));
        Assert.IsType<BootstrapStep.Wait>(run.Round(0, Names(One), reply));
        Assert.IsType<BootstrapStep.Restart>(run.Round(1.5, Names(One), reply));
    }

    [Fact]
    public void A_fellow_member_that_still_knows_this_node_is_no_reason_to_begin_anew()
    {
        var run = new Run(One)
        {
            Status = ProbeStatus.Minority,
            Members = [Key(One), Key(Two)],
            Settled = false,
        };
        Assert.IsType<BootstrapStep.Wait>(run.After(60, Names(One), Answer(Two, ProbeStatus.Up, Key(One), Key(Two))));
    }

    [Fact]
    public void Only_good_answers_that_name_this_node_omit_another()
    {
        var run = new Run(One);
        run.Round(0, Names(One, Two));
        Assert.False(run.State.Omits(Two, One, At(0)));
        run.Round(4, Names(One));
        Assert.False(run.State.Omits(Two, One, At(4)));
        run.Round(6, Names(One));
        Assert.True(run.State.Omits(Two, One, At(6)));
        run.Round(7, Hint.Failed("timeout"));
        Assert.False(run.State.Omits(Two, One, At(7)));
        run.Round(8, Names(One));
        Assert.False(run.State.Omits(Two, One, At(8)));
        run.Round(14, Names(Nine));
        Assert.False(run.State.Omits(Two, One, At(14)));
    }

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);

    private static Hint Names(params IPAddress[] addresses) => new([.. addresses], null);

    private static PeerKey Key(IPAddress address) => new(address.ToString(), 7);

    private static Probed Idle(IPAddress address) => Answer(address, ProbeStatus.None);

    private static Probed Answer(IPAddress address, ProbeStatus status, params PeerKey[] members) =>
        new(address, ProbeOutcome.Answered, new(status, true, [.. members]), 7);

    private sealed class Run(IPAddress self)
    {
        public Bootstrap State { get; private set; } = Bootstrap.Start;
        public ProbeStatus Status { get; set; } = ProbeStatus.None;
        public ImmutableArray<PeerKey> Members { get; init; } = [];
        public bool Settled { get; init; } = true;
        public ImmutableHashSet<IPAddress> Former { get; init; } = [];

        public BootstrapStep Round(double at, Hint hint, params Probed[] probes)
        {
            (State, var step) = State.Next(new(At(at), hint, self, Status, Members, Settled, [.. probes], Former));
            return step;
        }

        /// <summary>Rounds with the same outcome every half second, until a step is due or the time is over.</summary>
        public BootstrapStep After(double seconds, Hint hint, params Probed[] probes)
        {
            for (var at = 0.0; at < seconds; at += 0.5)
            {
                if (Round(at, hint, probes) is not BootstrapStep.Wait and var early)
                {
                    Assert.Fail($"{early} after {at} s already");
                }
            }
            return Round(seconds, hint, probes);
        }
    }
}
