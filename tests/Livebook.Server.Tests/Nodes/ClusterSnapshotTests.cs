using System.Collections.Immutable;
using Livebook.Cluster;
using Livebook.Server.Nodes;

namespace Livebook.Server.Tests.Nodes;

public sealed class ClusterSnapshotTests
{
    private const string A = "livebook@127.0.0.1";
    private const string B = "livebook@127.0.0.2";

    [Fact]
    public void The_same_twice_is_no_news() => Assert.Empty(Of(NodeStatus.Member, Member(A), Member(B)).Since(Of(NodeStatus.Member, Member(A), Member(B))));

    [Fact]
    public void A_node_that_comes_falls_silent_answers_again_and_goes_is_four_changes()
    {
        ClusterSnapshot[] course =
        [
            Of(NodeStatus.Member, Member(A)),
            Of(NodeStatus.Member, Member(A), Member(B)),
            Of(NodeStatus.Member, Member(A), Member(B, "unreachable")),
            Of(NodeStatus.Member, Member(A), Member(B)),
            Of(NodeStatus.Member, Member(A)),
        ];

        var changes = course.Skip(1).Zip(course).SelectMany(pair => pair.First.Since(pair.Second)).ToList();

        Assert.Equal(["joined", "unreachable", "up", "left"], changes.Select(change => change.Kind));
        Assert.All(changes, change => Assert.Equal(B, change.Subject));
    }

    [Fact]
    public void A_restart_under_the_same_name_is_told()
    {
        var again = Member(B) with { StartedAt = DateTimeOffset.UnixEpoch.AddHours(1) };

        var change = Assert.Single(Of(NodeStatus.Member, Member(A), again).Since(Of(NodeStatus.Member, Member(A), Member(B))));

        Assert.StartsWith("was started anew", change.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Losing_the_majority_and_getting_it_back_is_told()
    {
        var (whole, cut) = (Of(NodeStatus.Member, Member(A)), Of(NodeStatus.Minority, Member(A)));

        Assert.Contains("read only", Assert.Single(cut.Since(whole)).Text, StringComparison.Ordinal);
        Assert.Equal("is back with the majority", Assert.Single(whole.Since(cut)).Text);
    }

    [Fact]
    public void A_session_with_a_new_owner_has_moved_and_one_with_another_standby_has_not()
    {
        var before = Of(NodeStatus.Member, Member(A), Member(B)) with { Logs = Logs(new LogEntryInfo("s", A, B, 1, default)) };

        var moved = before with { Logs = Logs(new LogEntryInfo("s", B, A, 2, default)) };
        var other = before with { Logs = Logs(new LogEntryInfo("s", A, null, 1, default)) };

        Assert.Equal(new ClusterChange("moved", "s", $"moved from {A} to {B}, epoch 1 to 2"), Assert.Single(moved.Since(before)));
        Assert.Empty(other.Since(before));
    }

    private static ImmutableDictionary<string, LogEntryInfo> Logs(LogEntryInfo log) => ImmutableDictionary<string, LogEntryInfo>.Empty.Add(log.Id, log);

    private static MemberInfo Member(string name, string status = "up") => new(name, name.Split('@')[1], "1", status, DateTimeOffset.UnixEpoch);

    private static ClusterSnapshot Of(NodeStatus status, params MemberInfo[] members) =>
        new(
            A,
            status,
            members.ToImmutableDictionary(member => member.Name),
            ImmutableDictionary<string, string>.Empty,
            ImmutableDictionary<string, LogEntryInfo>.Empty
        );
}
