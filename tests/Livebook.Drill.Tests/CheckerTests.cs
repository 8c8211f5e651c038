using System.Diagnostics;
using Livebook.Drill.Load;
using Livebook.Drill.Pages;

namespace Livebook.Drill.Tests;

/// <summary>The checker finds what it is there for, and nothing else.</summary>
public sealed class CheckerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("livebook-checker-").FullName;

    [Fact]
    public void An_edit_that_is_missing_and_one_that_is_there_twice_are_found()
    {
        var history = new History();
        foreach (var number in Enumerable.Range(1, 3))
            history.Acknowledge(History.Token("a", number), Stopwatch.GetTimestamp(), 1);
        Assert.Empty(history.Violations("<a3><a1><b1><a2>"));
        Assert.Equal(["<a2> was acknowledged and is missing", "<b1> is there 2 times"], history.Violations("<a3><b1><a1><b1>"));
    }

    [Fact]
    public void The_longest_wait_is_of_edits_that_were_open_then_and_the_failover_of_those_behind_the_epoch()
    {
        var history = new History();
        var asked = Stopwatch.GetTimestamp() - Stopwatch.Frequency * 5;
        history.Acknowledge("<a1>", asked, 1);
        var at = Stopwatch.GetTimestamp();
        Assert.Equal(TimeSpan.Zero, history.LongestWaitSince(at));
        Assert.Null(history.FirstAcknowledgedAfter(at, 2));
        history.Acknowledge("<a2>", asked, 2);
        Assert.True(history.LongestWaitSince(at) >= TimeSpan.FromSeconds(5));
        Assert.NotNull(history.FirstAcknowledgedAfter(at, 2));
    }

    [Fact]
    public void An_evaluation_that_happened_twice_or_is_said_to_be_done_and_was_not_is_found()
    {
        var requests = new Requests(_folder);
        requests.Evaluation("once", done: true);
        requests.Evaluation("unknown", done: false);
        File.WriteAllText(Path.Combine(_folder, "once"), "x");
        Assert.Empty(requests.Violations([]));
        File.WriteAllText(Path.Combine(_folder, "once"), "xx");
        requests.Evaluation("never", done: true);
        Assert.Equal(
            ["duplicate: the evaluation once was executed 2 times", "phantom: the evaluation never is said to be done and was not executed"],
            requests.Violations([]).Order()
        );
    }

    [Fact]
    public void A_cell_that_was_made_twice_or_acknowledged_and_is_missing_is_found()
    {
        var requests = new Requests(_folder);
        requests.Cell("one", done: true);
        requests.Cell("two", done: false);
        Assert.Empty(requests.Violations(["one"]));
        Assert.Equal(2, requests.Violations(["two", "two"]).Count());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
