using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Core.Text;
using Livebook.Protocol;
using Livebook.Testing;

namespace Livebook.Core.Tests.Sessions;

public sealed class EvaluationScopeTests
{
    private static readonly ClientOperation.Evaluate OutdatedOnes = new([], "outdated");

    private static TestSession Two() =>
        A.Session(A.Section("section-1", A.Code("cell-a"), A.Code("cell-b")), A.Section("section-2", A.Code("cell-c"), A.Code("cell-d")));

    private static ClientOperation.EditText Edit(TestSession session, string cell, string text = "x") =>
        new(cell, "page", session[cell].TextRevision, [ChangeSet.Of(session.Cell(cell).Source.Length, [(0, 0, text)])]);

    private static string[] Busy(TestSession session) =>
        [.. session.State.Notebook.Cells.Where(cell => session[cell.Id].Status != CellStatus.Ready).Select(cell => cell.Id)];

    [Fact]
    public void Outdated_are_changed_and_stale_cells_and_all_that_build_on_them()
    {
        var session = Two().Run("cell-d");
        Assert.Equal("there is nothing to evaluate", session.Refuse(OutdatedOnes));
        session.After(Edit(session, "cell-b"), OutdatedOnes);
        Assert.Equal(["cell-b", "cell-c", "cell-d"], Busy(session));
        session.RunQueue();
        Assert.Equal("there is nothing to evaluate", session.Refuse(OutdatedOnes));
    }

    [Fact]
    public void Outdated_takes_chosen_cells_too_with_what_builds_on_them()
    {
        var session = Two().Run("cell-d");
        Assert.Equal("cell-c,cell-d", session.Accept(new ClientOperation.Evaluate(["cell-c"], "outdated")).Resource);
    }

    [Fact]
    public void A_changed_setup_cell_makes_everything_run_again_in_a_fresh_runtime()
    {
        var session = Two().After(new ClientOperation.PatchText(Cell.SetupId, "api", Source: "using System;")).Run("cell-d");
        session.After(Edit(session, Cell.SetupId), OutdatedOnes);
        Assert.Equal("starting", session.State.Runtime.Status);
        Assert.Equal([Cell.SetupId, "cell-a", "cell-b", "cell-c", "cell-d"], session.State.Queue);
    }

    [Fact]
    public void A_section_is_evaluated_with_its_outdated_ancestors()
    {
        var session = Two().After(new ClientOperation.Evaluate([], "section", "section-2")).Connected();
        Assert.Equal(["cell-a", "cell-b", "cell-c", "cell-d"], Busy(session));
        session.RunQueue().After(new ClientOperation.Evaluate([], "section", "section-1"));
        Assert.Equal(["cell-a", "cell-b"], Busy(session));
        Assert.Contains("nothing to evaluate", Two().Refuse(new ClientOperation.Evaluate([], "section", "section-9")));
    }

    [Fact]
    public void An_unknown_scope_or_cell_is_refused()
    {
        Assert.Contains("scope must be", Two().Refuse(new ClientOperation.Evaluate([], "everything")));
        Assert.Contains("no cell", Two().Refuse(new ClientOperation.Evaluate(["cell-x"])));
        Assert.Contains("already queued", Two().After(new ClientOperation.Evaluate(["cell-a"])).Refuse(new ClientOperation.Evaluate(["cell-a"])));
    }

    [Fact]
    public void Later_setup_cells_run_again_with_an_earlier_one_and_need_no_fresh_runtime_themselves()
    {
        var session = Two()
            .After(
                new ClientOperation.InsertCell("setup-0002", Section.SetupId, Source: "var two = 2;"),
                new ClientOperation.PatchText(Cell.SetupId, "api", Source: "var one = 1;")
            );
        session.Run(Cell.SetupId);
        Assert.Equal("evaluated", session.Validity("setup-0002"));

        session.After(new ClientOperation.Evaluate(["setup-0002"]));
        Assert.Equal("connected", session.State.Runtime.Status);
        Assert.Equal(["setup-0002"], Busy(session));
        session.RunQueue().After(new ClientOperation.Evaluate([Cell.SetupId]));
        Assert.Equal("starting", session.State.Runtime.Status);
        Assert.Equal([Cell.SetupId, "setup-0002"], session.State.Queue);
    }

    [Fact]
    public void Another_language_makes_a_cell_stale_but_not_what_builds_on_it()
    {
        var session = Two().Run("cell-b").After(new ClientOperation.SetCell("cell-a", Language: "fsharp"));
        Assert.Equal(["stale", "evaluated"], [session.Validity("cell-a"), session.Validity("cell-b")]);
        Assert.Equal("stale", session.View.Cells["cell-a"].Validity);
        session.After(new ClientOperation.SetCell("cell-a", Language: "csharp"));
        Assert.Equal("evaluated", session.Validity("cell-a"));

        session.After(new ClientOperation.SetCell("cell-b", ReevaluateAutomatically: true), new ClientOperation.SetCell("cell-b", Language: "fsharp"));
        Assert.Contains(session.Effects, effect => effect is Effect.StartEvaluation { Cell: "cell-b", Language: "fsharp" });
    }

    [Fact]
    public void Branches_run_side_by_side_each_in_its_flow()
    {
        var session = A.Session(
            A.Section("main-1", A.Code("cell-a")),
            A.Branch("branch-1", "main-1", A.Code("cell-b")),
            A.Branch("branch-2", "main-1", A.Code("cell-c"))
        );
        var effects = session.Run("cell-a").Accept(new ClientOperation.Evaluate(["cell-b", "cell-c"])).Effects.OfType<Effect.StartEvaluation>();
        Assert.Equal([("cell-b", "branch-1"), ("cell-c", "branch-2")], effects.Select(effect => (effect.Cell, effect.Flow)));
        session.RunQueue().After(new ClientOperation.Evaluate(["cell-a"]));
        Assert.Equal("main", Assert.Single(session.Effects.OfType<Effect.StartEvaluation>()).Flow);
    }

    [Fact]
    public void Word_of_an_earlier_start_is_not_taken_for_the_later_one()
    {
        var session = Two().After(new ClientOperation.Evaluate(["cell-a"]), new ClientOperation.RestartRuntime());
        Assert.Contains(new Effect.StartRuntime(2), session.Effects);
        Assert.Contains("not expected", session.Refuse(new RuntimeOperation.Connected("old", "node-1", 1, ".NET", 1)));
        Assert.Contains("nobody waits", session.Refuse(new RuntimeOperation.StartFailed(1, "no")));
        session.After(new RuntimeOperation.StartFailed(2, "no such program"));
        Assert.Equal(("down", "no such program"), (session.State.Runtime.Status, session.State.Runtime.Message));
        session.After(new ClientOperation.Evaluate(["cell-a"]));
        Assert.Contains(new Effect.StartRuntime(3), session.Effects);
    }

    [Fact]
    public void Diagnostics_are_kept_for_the_newest_text_only()
    {
        Diagnostic[] Found(string code) => [new(DiagnosticSeverity.Error, 0, 1, 1, code, "wrong")];
        var session = Two().Run("cell-a");
        session.After(Edit(session, "cell-a"));
        session.After(Edit(session, "cell-a"));
        Assert.Contains(new Effect.Diagnose("cell-a"), session.Effects);

        session.Report(new RuntimeReport.Diagnosed("cell-a", 2, [.. Found("CS2")]));
        session.Report(new RuntimeReport.Diagnosed("cell-a", 1, [.. Found("CS1")]));
        Assert.Equal("CS2", Assert.Single(session["cell-a"].Diagnostics).Code);

        // What an evaluation found says nothing about a text that was changed meanwhile.
        session.After(new ClientOperation.Evaluate(["cell-a"]));
        Assert.Empty(session["cell-a"].Diagnostics);
        session.After(Edit(session, "cell-a")).Report(new RuntimeReport.Diagnosed("cell-a", 3, [.. Found("CS3")]));
        session.Report(new RuntimeReport.Finished("cell-a", 2, EvaluationStatus.Failed, 1, [.. Found("CS9")]));
        Assert.Equal("CS3", Assert.Single(session["cell-a"].Diagnostics).Code);
        session.After(new ClientOperation.Evaluate(["cell-a"]));
        session.Report(new RuntimeReport.Finished("cell-a", 3, EvaluationStatus.Failed, 1, [.. Found("CS9")]));
        Assert.Equal("CS9", Assert.Single(session["cell-a"].Diagnostics).Code);
    }

    [Fact]
    public void A_diagnosis_is_asked_of_a_connected_runtime_with_what_the_cell_builds_on()
    {
        var session = Two();
        Assert.Null(EvaluationQueries.Diagnosis(session.State, "cell-b"));
        session.Run("cell-a");
        var question = EvaluationQueries.Diagnosis(session.State, "cell-b")!;
        Assert.Equal(["cell-a"], question.Path);
        Assert.Equal(("cell-b", "var cell-b = 1;"), (question.Cell, question.Source));
        Assert.Null(EvaluationQueries.Diagnosis(session.State, "cell-x"));
    }
}
