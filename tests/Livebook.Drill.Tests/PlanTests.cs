using CsCheck;
using Livebook.Drill.Faults;
using Livebook.Drill.Load;

namespace Livebook.Drill.Tests;

/// <summary>A drill can be repeated: what goes wrong and what users do follows from the seed.</summary>
public sealed class PlanTests
{
    [Fact]
    public void The_same_seed_gives_the_same_faults_and_another_one_others() =>
        // .NET's generator takes a seed without its sign.
        Gen.Int[0, 1_000_000_000]
            .Select(Gen.Int[2, 9])
            .Sample(
                (seed, nodes) =>
                {
                    var plan = FaultPlan.Of(seed, 40, nodes);
                    Assert.Equal(plan, FaultPlan.Of(seed, 40, nodes));
                    // A longer drill begins as a shorter one does.
                    Assert.Equal(plan.Take(10), FaultPlan.Of(seed, 10, nodes));
                    Assert.NotEqual(plan, FaultPlan.Of(seed + 1, 40, nodes));
                },
                iter: 50
            );

    /// <summary>So that nobody changes by accident what an old report's seed means.</summary>
    [Fact]
    public void The_first_faults_of_a_known_seed() =>
        Assert.Equal([new Fault.Isolate(Target.Owner, 3), new Fault.Freeze(Target.Other, 6), new Fault.Kill(Target.Standby)], FaultPlan.Of(1, 3, 3));

    [Fact]
    public void Many_faults_are_of_every_kind() => Assert.Equal(12, FaultPlan.Of(1, 500, 3).Select(fault => fault.GetType()).Distinct().Count());

    [Fact]
    public void Two_nodes_have_no_third_one() =>
        Assert.DoesNotContain(
            FaultPlan.Of(1, 500, 2),
            fault => fault is Fault.Kill(Target.Other) or Fault.Freeze(Target.Other, _) or Fault.Isolate(Target.Other, _)
        );

    [Fact]
    public void The_same_seed_gives_the_same_users_and_no_two_users_are_the_same()
    {
        var plan = UserPlan.Of(7, 2, 1);
        Assert.Equal(plan.Edits().Take(200), UserPlan.Of(7, 2, 1).Edits().Take(200));
        Assert.Equal(plan.Others().Take(50), UserPlan.Of(7, 2, 1).Others().Take(50));
        Assert.Equal(
            100,
            Enumerable.Range(0, 10).SelectMany(session => Enumerable.Range(0, 10).Select(user => UserPlan.Of(7, session, user))).Distinct().Count()
        );
    }
}
