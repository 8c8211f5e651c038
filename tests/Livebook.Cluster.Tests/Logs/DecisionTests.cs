using CsCheck;
using Livebook.Cluster.Logs;
using static Livebook.Cluster.Tests.Logs.TestCluster;

namespace Livebook.Cluster.Tests.Logs;

public sealed class DecisionTests
{
    private static CopyState New(long last) => new([new Segment(1, 1, 0, true)], last, true);

    private static CopyState With(CopyState state, long last) => state with { Last = last };

    [Fact]
    public void A_live_takeover_wins_over_unacknowledged_entries_of_the_old_owner()
    {
        var taken = New(10).Begin(2, 2, certain: true);
        Assert.Equal(new Verdict(false, false), Copies.Compare(New(15), "a", taken, "b"));
        Assert.Equal(new Verdict(true, false), Copies.Compare(taken, "b", New(15), "a"));
    }

    [Fact]
    public void A_stale_restart_without_entries_gives_way_to_the_longer_copy_and_with_entries_it_stays_and_the_other_is_kept()
    {
        var stale = New(10).Begin(2, 2, certain: false);
        Assert.Equal(new Verdict(true, false), Copies.Compare(New(15), "a", stale, "b"));
        Assert.Equal(new Verdict(false, true), Copies.Compare(New(15), "a", With(stale, 11), "b"));
    }

    [Fact]
    public void Certainty_outlives_a_reign_without_entries()
    {
        var again = New(10).Begin(2, 2, certain: true).Begin(3, 3, certain: false);
        Assert.False(Copies.Compare(New(15), "a", again, "b").FirstWins);
    }

    [Fact]
    public void Both_nodes_come_to_the_same_verdict()
    {
        var steps = Gen.Select(Gen.Int[1, 3], Gen.Int[0, 3], Gen.Bool).Array[0, 3];
        Gen.Select(steps, steps, steps, Gen.Int[0, 2], Gen.Int[0, 2])
            .Sample(
                (shared, left, right, leftMore, rightMore) =>
                {
                    var common = Grow(New(2), 10, shared);
                    var first = Grow(With(common, common.Last + leftMore), 20, left);
                    var second = Grow(With(common, common.Last + rightMore), 30, right);
                    var there = Copies.Compare(first, "a", second, "b");
                    var back = Copies.Compare(second, "b", first, "a");
                    Assert.NotEqual(there.FirstWins, back.FirstWins);
                    Assert.Equal(there.Diverged, back.Diverged);
                }
            );
    }

    /// <summary>Further reigns, each with its own name: two branches share only what came before they parted.</summary>
    private static CopyState Grow(CopyState state, long firstReign, (int Epochs, int Entries, bool Certain)[] steps)
    {
        foreach (var (epochs, entries, certain) in steps)
        {
            state = state.Begin(firstReign++, state.Epoch + epochs, certain);
            state = With(state, state.Last + entries);
        }
        return state;
    }

    /// <summary>Owner and standby over a channel that loses and doubles: what is safe is always what the standby has, and in the end everything is.</summary>
    [Fact]
    public void Replication_acknowledges_only_what_the_standby_has_and_gets_there_through_losses() =>
        Gen.Int[0, 9]
            .Array[0, 400]
            .Sample(steps =>
            {
                var owner = new LogCopy("l", New(0), 0, Bytes("s"), default);
                var replication = new OwnerReplication();
                LogCopy? standby = null;
                var now = TimeSpan.Zero;
                var answers = new Queue<(long Last, bool Gap)>();
                replication.Choose("b", alone: false);
                void Step(int fate)
                {
                    now += TimeSpan.FromSeconds(1);
                    if (fate == 0)
                    {
                        owner.Compact(owner.Last, Bytes($"s{owner.Last}"));
                    }
                    if (fate < 6 && owner.Last < 200)
                    {
                        owner.Append(Bytes($"{owner.Last + 1}"));
                    }
                    replication.Tick(now);
                    var lost = fate is 2 or 7;
                    if (replication.OwesSnapshot || (replication.Filled && replication.Sent < owner.SnapshotAt))
                    {
                        replication.OnSnapshotSent(owner.SnapshotAt, now);
                        if (!lost)
                        {
                            if (standby is null)
                            {
                                standby = new LogCopy("l", owner.State, owner.SnapshotAt, owner.Snapshot, default);
                            }
                            else
                            {
                                StandbyReplica.Compact(standby, owner.SnapshotAt, owner.Snapshot);
                            }
                            answers.Enqueue((standby.Last, false));
                        }
                    }
                    if (replication.Filled && replication.Sent < owner.Last)
                    {
                        var (first, entries) = (replication.Sent + 1, owner.After(replication.Sent));
                        replication.OnEntriesSent(owner.Last, now);
                        for (
                            var copies =
                                lost ? 0
                                : fate == 3 ? 2
                                : 1;
                            copies > 0;
                            copies--
                        )
                        {
                            var answer = StandbyReplica.Append(standby!, first, entries);
                            answers.Enqueue((answer.Last, answer.Gap));
                        }
                    }
                    while (answers.TryDequeue(out var answer))
                    {
                        if (fate != 8)
                        {
                            replication.OnAcknowledged("b", answer.Last, answer.Gap, now);
                        }
                    }
                    Assert.True(replication.Safe <= (standby?.Last ?? -1));
                }
                Array.ForEach(steps, Step);
                for (var i = 0; i < 200; i++)
                {
                    Step(9);
                }
                Assert.Equal(owner.Last, replication.Safe);
                var both = Math.Max(owner.SnapshotAt, standby!.SnapshotAt);
                Assert.Equal(owner.After(both).Select(Text), standby.After(both).Select(Text));
            });

    [Fact]
    public void Nothing_is_safe_without_a_standby_unless_the_node_is_alone()
    {
        var replication = new OwnerReplication();
        replication.OnDurable(5);
        Assert.Equal(-1, replication.Safe);
        replication.Choose(null, alone: true);
        Assert.Equal(5, replication.Safe);
        replication.Choose("b", alone: true);
        replication.OnDurable(9);
        Assert.Equal(5, replication.Safe);
        replication.OnAcknowledged("c", 9, false, default);
        Assert.Equal(5, replication.Safe);
        replication.OnAcknowledged("b", 7, false, default);
        Assert.Equal(7, replication.Safe);
    }

    [Fact]
    public void A_file_cut_anywhere_gives_what_was_whole_and_a_broken_middle_what_was_before()
    {
        var stream = new MemoryStream();
        var copy = new LogCopy("l", New(0), 0, Bytes("snap"), Bytes("info"));
        RecordFile.WriteState(stream, copy);
        RecordFile.WriteSnapshot(stream, 0, copy.Snapshot);
        var ends = new List<long> { stream.Length };
        for (var i = 1; i <= 5; i++)
        {
            RecordFile.WriteEntry(stream, i, Bytes($"e{i}"));
            ends.Add(stream.Length);
        }
        var whole = stream.ToArray();
        for (var length = 0; length <= whole.Length; length++)
        {
            var read = RecordFile.Read(whole.AsMemory(0, length));
            Assert.Equal(ends.Count(end => end <= length) - 1, read.Copy?.Last ?? -1);
            Assert.NotEqual(FileDamage.CorruptMiddle, read.Damage);
        }
        for (var at = (int)ends[2]; at < ends[3]; at++)
        {
            var broken = (byte[])whole.Clone();
            broken[at] ^= 0x55;
            var read = RecordFile.Read(broken);
            Assert.Equal((2L, FileDamage.CorruptMiddle), (read.Copy!.Last, read.Damage!.Value));
        }
    }
}
