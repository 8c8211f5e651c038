using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Protocol;
using Livebook.Testing;

namespace Livebook.Core.Tests.Sessions;

public sealed class EvaluationTests
{
    private static TestSession Three() => A.Session(A.Code("cell-a"), A.Code("cell-b"), A.Code("cell-c"));

    private static TestSession Branched() =>
        A.Session(A.Section("main-1", A.Code("cell-a")), A.Branch("branch-1", "main-1", A.Code("cell-b")), A.Section("main-2", A.Code("cell-c")));

    private static ClientOperation.Evaluate Evaluate(params string[] cells) => new([.. cells]);

    [Fact]
    public void The_first_evaluation_starts_a_runtime_and_waits_for_it()
    {
        var session = Three().After(Evaluate("cell-a"));
        Assert.Contains(session.Effects, effect => effect is Effect.StartRuntime);
        Assert.Equal(CellStatus.Queued, session["cell-a"].Status);

        session.Connected();
        Assert.Equal(CellStatus.Evaluating, session["cell-a"].Status);
        Assert.Contains(session.Effects, effect => effect is Effect.StartEvaluation { Cell: "cell-a", Evaluation: 1 });
    }

    [Fact]
    public void A_cell_takes_its_outdated_ancestors_along()
    {
        var session = Three().After(Evaluate("cell-c")).Connected();
        Assert.Equal(CellStatus.Evaluating, session["cell-a"].Status);
        Assert.Equal(["cell-b", "cell-c"], session.State.Queue);
    }

    [Fact]
    public void What_lies_between_an_ancestor_that_runs_and_the_cell_runs_too()
    {
        var session = Three().Run("cell-c");
        session.After(Evaluate("cell-a", "cell-c"));
        Assert.Equal(["cell-b", "cell-c"], session.State.Queue);
    }

    [Fact]
    public void A_branch_starts_when_the_main_flow_is_idle()
    {
        var session = Branched().After(Evaluate("cell-b", "cell-c")).Connected().Finish("cell-a");
        Assert.Equal(CellStatus.Evaluating, session["cell-c"].Status);
        Assert.Equal(CellStatus.Queued, session["cell-b"].Status);
        session.Finish("cell-c");
        Assert.Equal(CellStatus.Evaluating, session["cell-b"].Status);
    }

    [Fact]
    public void Deleting_the_running_cell_lets_a_waiting_branch_go_on()
    {
        var session = Branched().Run("cell-b").After(Evaluate("cell-c"), Evaluate("cell-b"));
        Assert.Equal(CellStatus.Queued, session["cell-b"].Status);
        session.After(new ClientOperation.DeleteCell("cell-c"));
        Assert.Equal(CellStatus.Evaluating, session["cell-b"].Status);
    }

    [Fact]
    public void An_error_takes_dependents_out_of_the_queue_unless_the_cell_continues()
    {
        var session = Three().After(Evaluate("cell-c")).Connected().Finish("cell-a", EvaluationStatus.Failed);
        Assert.True(session["cell-a"].Errored);
        Assert.Empty(session.State.Queue);

        session = Three().After(new ClientOperation.SetCell("cell-a", ContinueOnError: true), Evaluate("cell-c"));
        session.Connected().Finish("cell-a", EvaluationStatus.Failed);
        Assert.Equal(CellStatus.Evaluating, session["cell-b"].Status);
    }

    [Fact]
    public void Cancelling_stops_the_cell_and_unqueues_what_builds_on_it()
    {
        var session = Three().After(Evaluate("cell-c")).Connected().After(new ClientOperation.Cancel("cell-a"));
        Assert.Contains(session.Effects, effect => effect is Effect.StopEvaluation { Cell: "cell-a" });
        Assert.Empty(session.State.Queue);
        session.Finish("cell-a", EvaluationStatus.Aborted);
        Assert.Equal("aborted", session.Validity("cell-a"));
        Assert.Equal("fresh", session.Validity("cell-b"));
        Assert.Equal("nothing is queued or running", session.Refuse(new ClientOperation.Cancel()));
    }

    [Fact]
    public void State_that_the_runtime_gave_up_makes_cells_aborted()
    {
        var session = Three().Run("cell-b").After(Evaluate("cell-c"));
        session.Report(new RuntimeReport.Finished("cell-c", 1, EvaluationStatus.Aborted, 1, [], StateKept: false));
        Assert.All(["cell-a", "cell-b", "cell-c"], cell => Assert.Equal("aborted", session.Validity(cell)));
    }

    [Fact]
    public void Evaluating_an_ancestor_again_makes_a_cell_stale_and_editing_only_changed()
    {
        var session = Three().Run("cell-b");
        session.Run("cell-a");
        Assert.Equal("stale", session.Validity("cell-b"));
        session.After(new ClientOperation.EditText("cell-a", "editor", 0, [Livebook.Core.Text.ChangeSet.Parse("""[[0,"x"],15]""")]));
        Assert.Equal("evaluated", session.Validity("cell-a"));
        Assert.True(session.View.Cells["cell-a"].Changed);
    }

    [Fact]
    public void A_cell_that_re_evaluates_automatically_follows_its_ancestors()
    {
        var session = Three().Run("cell-b").After(new ClientOperation.SetCell("cell-b", ReevaluateAutomatically: true), Evaluate("cell-a")).Finish("cell-a");
        Assert.Equal(CellStatus.Evaluating, session["cell-b"].Status);
        Assert.Equal(0, session["cell-c"].Evaluation);
    }

    [Fact]
    public void Running_the_setup_again_restarts_the_runtime()
    {
        var session = Three().Run(Cell.SetupId, "cell-a").After(Evaluate(Cell.SetupId));
        Assert.Equal("starting", session.State.Runtime.Status);
        Assert.Equal("aborted", session.Validity("cell-a"));
        Assert.Equal([Cell.SetupId], session.State.Queue);
    }

    [Fact]
    public void Erasing_everything_makes_every_cell_fresh()
    {
        var session = Three().Run("cell-a").After(Evaluate("cell-a")).Output("cell-a", A.Stdout("text")).Finish("cell-a");
        session.After(new ClientOperation.EraseOutputs());
        Assert.Equal("fresh", session.Validity("cell-a"));
        Assert.Empty(session["cell-a"].Outputs);
        Assert.Equal(0, session.State.OutputBytes);
        Assert.Equal("connected", session.State.Runtime.Status);
    }

    [Fact]
    public void A_runtime_that_is_lost_aborts_what_had_run()
    {
        var session = Three().Run("cell-a").After(Evaluate("cell-c")).After(new RuntimeOperation.Down(TestSession.Runtime, "it crashed"));
        Assert.Equal(("down", "it crashed"), (session.State.Runtime.Status, session.State.Runtime.Message));
        Assert.Equal("aborted", session.Validity("cell-a"));
        Assert.Equal("aborted", session.Validity("cell-b"));
        Assert.Equal("fresh", session.Validity("cell-c"));
        Assert.Empty(session.State.Queue);
    }

    [Fact]
    public void Whoever_adopts_a_session_asks_a_living_runtime_again_and_tells_of_a_lost_one()
    {
        var alive = Three().Run("cell-a").After(Evaluate("cell-b")).After(new SystemOperation.Adopted("node-2", 2, true));
        Assert.Contains(alive.Effects, effect => effect is Effect.StartEvaluation { Cell: "cell-b", Evaluation: 1, Path: ["cell-a"] });

        var lost = Three().Run("cell-a").After(new SystemOperation.Adopted("node-2", 2, false));
        Assert.Equal("aborted", lost.Validity("cell-a"));
        Assert.Contains("node-2", Assert.Single(lost.State.Notices.Values).Text);
    }

    [Fact]
    public void A_running_cell_cannot_leave_its_section_or_flow()
    {
        var session = Branched().Run("cell-a").After(Evaluate("cell-a"));
        Assert.Contains("stop it first", session.Refuse(new ClientOperation.MoveCell("cell-a", 1)));
        session = Branched().Run("cell-b").After(Evaluate("cell-b"));
        Assert.Contains("stop it first", session.Refuse(new ClientOperation.SetSectionParent("branch-1", null)));
    }

    [Fact]
    public void Moving_a_cell_back_restores_its_validity()
    {
        var session = Three().Run("cell-c").After(new ClientOperation.MoveCell("cell-a", 1));
        Assert.Equal("stale", session.Validity("cell-b"));
        session.After(new ClientOperation.MoveCell("cell-a", -1));
        Assert.Equal("evaluated", session.Validity("cell-b"));
    }
}
