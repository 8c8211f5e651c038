using System.Collections.Immutable;
using Livebook.Cluster.Links;
using Livebook.Cluster.Membership;

namespace Livebook.Cluster.Tests.Membership;

public sealed class DowningTests
{
    private static readonly PeerKey[] All = [.. Enumerable.Range(1, 5).Select(i => new PeerKey($"10.0.0.{i + 7}", i))];

    [Fact]
    public void Nothing_happens_while_everybody_is_heard()
    {
        var world = new World(3);
        Assert.IsType<Verdict.Wait>(world.Decide(0, 0));
        Assert.IsType<Verdict.Wait>(world.Decide(0, 60));
    }

    [Fact]
    public void Of_two_the_survivor_of_a_refused_port_goes_on_at_once()
    {
        foreach (var survivor in new[] { 0, 1 })
        {
            var world = new World(2);
            world.Dead[survivor].Add(1 - survivor);
            Assert.Equal([All[1 - survivor]], Assert.IsType<Verdict.Down>(world.Decide(survivor, 0)).Members);
        }
    }

    [Fact]
    public void A_refused_port_needs_the_word_of_every_other_member_that_is_heard()
    {
        var world = new World(4);
        world.Dead[0].Add(3);
        Assert.IsType<Verdict.Wait>(world.Decide(0, 60));
        world.Dead[1].Add(3);
        Assert.IsType<Verdict.Wait>(world.Decide(0, 61));
        world.Dead[2].Add(3);
        Assert.Equal([All[3]], Assert.IsType<Verdict.Down>(world.Decide(0, 61)).Members);
    }

    [Fact]
    public void Members_that_die_together_need_no_word_of_each_other()
    {
        var world = new World(3);
        world.Dead[0].UnionWith([1, 2]);
        Assert.Equal([All[1], All[2]], Assert.IsType<Verdict.Down>(world.Decide(0, 0)).Members.OrderBy(key => key.Incarnation));
    }

    [Fact]
    public void A_broken_link_between_two_that_a_third_hears_puts_nobody_out()
    {
        var world = new World(3);
        world.Cut(0, 1);
        for (var node = 0; node < 3; node++)
        {
            world.Decide(node, 0);
            Assert.IsType<Verdict.Wait>(world.Decide(node, 60));
        }
    }

    [Fact]
    public void A_cut_is_decided_only_after_it_was_the_same_for_a_while()
    {
        var world = new World(3);
        world.CutOff([2]);
        Assert.IsType<Verdict.Wait>(world.Decide(0, 0));
        Assert.IsType<Verdict.Wait>(world.Decide(0, 1.4));
        Assert.IsType<Verdict.Down>(world.Decide(0, 1.5));

        var flapping = new World(3);
        for (var at = 0.0; at < 60; at += 1)
        {
            flapping.CutOff([2]);
            Assert.IsType<Verdict.Wait>(flapping.Decide(0, at));
            flapping.Heal();
            Assert.IsType<Verdict.Wait>(flapping.Decide(0, at + 0.5));
        }
    }

    [Fact]
    public void Of_every_cut_in_two_exactly_one_side_stays_and_all_on_a_side_agree()
    {
        for (var size = 2; size <= 5; size++)
        {
            for (var split = 1; split < (1 << size) - 1; split++)
            {
                var left = Enumerable.Range(0, size).Where(i => (split & (1 << i)) != 0).ToList();
                var right = Enumerable.Range(0, size).Except(left).ToList();
                var world = new World(size);
                world.CutOff(left);
                var stays = left.Count == right.Count ? left.Contains(0) : left.Count > right.Count;
                Assert.All(left, node => Assert.Equal(stays, Stays(world, node, right)));
                Assert.All(right, node => Assert.Equal(!stays, Stays(world, node, left)));
            }
        }
    }

    [Fact]
    public void No_cut_and_no_deaths_ever_leave_two_sides_that_stay()
    {
        // Each node of five is left, right, or dead with a closed port.
        for (var code = 0; code < 243; code++)
        {
            var sides = Enumerable.Range(0, 5).Select(i => code / (int)Math.Pow(3, i) % 3).ToArray();
            var left = Enumerable.Range(0, 5).Where(i => sides[i] == 0).ToList();
            var right = Enumerable.Range(0, 5).Where(i => sides[i] == 1).ToList();
            var dead = Enumerable.Range(0, 5).Where(i => sides[i] == 2).ToList();
            if (left.Count == 0 || right.Count == 0)
            {
                continue;
            }
            var world = new World(5);
            world.CutOff(left);
            foreach (var alive in left)
            {
                world.Dead[alive].UnionWith(dead);
            }
            foreach (var alive in right)
            {
                world.Dead[alive].UnionWith(dead);
            }
            Assert.True(left.TrueForAll(node => Stays(world, node, right)) != right.TrueForAll(node => Stays(world, node, left)), $"{code}");
        }
    }

    [Fact]
    public void A_frozen_lowest_of_two_leaves_the_other_waiting_until_names_omit_it_or_an_operator_speaks()
    {
        var world = new World(2);
        world.CutOff([1]);
        world.Decide(1, 0);
        Assert.IsType<Verdict.Lose>(world.Decide(1, 2));
        Assert.IsType<Verdict.Lose>(world.Decide(1, 3600));
        world.Omitted.Add(0);
        Assert.IsType<Verdict.Down>(world.Decide(1, 3601));
        world.Omitted.Clear();
        world.GivenUp.Add(0);
        Assert.IsType<Verdict.Down>(world.Decide(1, 3602));
    }

    [Fact]
    public void Names_never_put_out_who_is_heard_nor_help_a_minority_of_three()
    {
        var world = new World(3);
        world.Omitted.UnionWith([1, 2]);
        Assert.IsType<Verdict.Wait>(world.Decide(0, 60));
        world.CutOff([0]);
        world.Decide(0, 61);
        Assert.IsType<Verdict.Lose>(world.Decide(0, 63));
    }

    [Fact]
    public void Whoever_is_only_joining_has_no_vote_but_may_be_lost()
    {
        var world = new World(3, voters: 2);
        world.CutOff([2]);
        world.Decide(1, 0);
        Assert.Equal([All[2]], Assert.IsType<Verdict.Down>(world.Decide(1, 2)).Members);
    }

    private static bool Stays(World world, int node, List<int> others)
    {
        world.Forget();
        for (var at = 0.0; at < 10; at += 0.5)
        {
            switch (world.Decide(node, at))
            {
                case Verdict.Lose:
                    return false;
                case Verdict.Down down when others.TrueForAll(other => down.Members.Contains(All[other])):
                    return true;
                case Verdict.Down down:
                    world.Out.UnionWith(down.Members);
                    break;
            }
        }
        throw new InvalidOperationException("undecided");
    }

    /// <summary>What everybody hears and has seen dead.</summary>
    private sealed class World(int size, int voters = 5)
    {
        private readonly bool[,] cut = new bool[size, size];
        private readonly Dictionary<int, Downing> states = [];

        public HashSet<int>[] Dead { get; } = [.. Enumerable.Range(0, size).Select(_ => new HashSet<int>())];
        public HashSet<int> Omitted { get; } = [];
        public HashSet<int> GivenUp { get; } = [];
        public HashSet<PeerKey> Out { get; } = [];

        public void Cut(int left, int right) => cut[left, right] = cut[right, left] = true;

        public void CutOff(IReadOnlyCollection<int> side)
        {
            foreach (var left in side)
            {
                foreach (var right in Enumerable.Range(0, size).Except(side))
                {
                    Cut(left, right);
                }
            }
        }

        public void Heal() => Array.Clear(cut);

        public void Forget()
        {
            states.Clear();
            Out.Clear();
        }

        public Verdict Decide(int node, double at)
        {
            var members = Enumerable.Range(0, size).Where(i => !Out.Contains(All[i])).ToList();
            var heard = Heard(node);
            (states[node], var verdict) = states
                .GetValueOrDefault(node, Downing.Start)
                .Next(
                    new(
                        TimeSpan.FromSeconds(at),
                        All[node],
                        Keys(members),
                        Keys(members.Where(i => i < voters)),
                        Keys(heard),
                        Keys(Dead[node]),
                        heard.ToImmutableDictionary(i => All[i], i => new Report(Keys(Heard(i)), Keys(Dead[i]))),
                        Keys(Omitted),
                        Keys(GivenUp)
                    )
                );
            return verdict;
        }

        private List<int> Heard(int node) => [.. Enumerable.Range(0, size).Where(i => i != node && !cut[node, i] && !Dead[node].Contains(i))];

        private static ImmutableHashSet<PeerKey> Keys(IEnumerable<int> nodes) => [.. nodes.Select(i => All[i])];
    }
}
