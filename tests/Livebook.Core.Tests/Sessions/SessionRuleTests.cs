using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Core.Text;
using Livebook.Testing;

namespace Livebook.Core.Tests.Sessions;

public sealed class SessionRuleTests
{
    [Fact]
    public void What_a_client_sends_twice_happens_once()
    {
        var session = A.Session(A.Code("cell-a"));
        var stamp = new Stamp(A.Start, Client: "tab", Ref: 7);
        session.Accept(new ClientOperation.RenameNotebook("One"), stamp);
        Assert.Equal(new Outcome.Repeated(1, null), session.Apply(new ClientOperation.RenameNotebook("Two"), stamp));
        Assert.Equal("One", session.State.Notebook.Name);
    }

    [Fact]
    public void An_idempotency_key_gives_the_first_result_for_a_day()
    {
        var session = A.Session(A.Code("cell-a"));
        var insert = new ClientOperation.InsertCell("cell-0001", A.SectionId);
        session.Accept(insert, new Stamp(A.Start, Key: "key"));
        Assert.Equal(new Outcome.Repeated(1, "cell-0001"), session.Apply(insert, new Stamp(A.Start.AddHours(23), Key: "key")));
        Assert.IsType<Outcome.Rejected>(session.Apply(insert, new Stamp(A.Start.AddHours(25), Key: "key")));
    }

    [Fact]
    public void Consecutive_text_of_one_stream_is_one_output()
    {
        var session = A.Session(A.Code("cell-a")).After(new ClientOperation.Evaluate(["cell-a"])).Connected();
        session.Output("cell-a", A.Stdout("a")).Output("cell-a", A.Stdout("b")).Output("cell-a", A.Result("1")).Output("cell-a", A.Stdout("c"));
        Assert.Equal([2, 0, 1], session["cell-a"].Outputs.Select(output => output.Chunks?.Count ?? 0));
    }

    [Fact]
    public void A_long_stream_loses_its_front_and_counts_what_was_cut()
    {
        var session = A.Session(A.Code("cell-a")).After(new ClientOperation.Evaluate(["cell-a"])).Connected();
        for (var i = 0; i < 13; i++)
            session.Output("cell-a", A.Stdout(new string((char)('a' + i), 100_000)));
        var output = Assert.Single(session["cell-a"].Outputs);
        Assert.Equal((1_000_000, 300_000), (output.Length, output.Cut));
        Assert.StartsWith("d", output.Chunks![0], StringComparison.Ordinal);
        Assert.Equal(2_000_000, session.State.OutputBytes);
    }

    [Fact]
    public void Outputs_beyond_the_sessions_limit_are_cut_and_it_is_said_once()
    {
        var small = A.Session(A.Code("cell-a")).State with { OutputLimitBytes = 10_000 };
        var session = new TestSession(small).After(new ClientOperation.Evaluate(["cell-a"])).Connected();
        session.Output("cell-a", A.Result(new string('x', 6_000))).Output("cell-a", A.Result(new string('x', 6_000)));
        Assert.Equal("cut", Assert.Single(session["cell-a"].Outputs).Id);
        session.Finish("cell-a").After(new ClientOperation.EraseOutputs("cell-a"));
        Assert.Equal(0, session.State.OutputBytes);
    }

    [Fact]
    public void A_deleted_cell_comes_back_from_the_bin_with_its_text_and_to_its_place()
    {
        var session = A.Session(A.Code("cell-a"), A.Code("cell-b"), A.Code("cell-c")).After(new ClientOperation.DeleteCell("cell-b"));
        Assert.Null(session.State.Notebook.Find("cell-b"));
        session.After(new ClientOperation.RestoreCell("cell-b"));
        Assert.Equal(["setup", "cell-a", "cell-b", "cell-c"], session.State.Notebook.Cells.Select(cell => cell.Id));
        Assert.Equal("the cell is not in the bin", session.Refuse(new ClientOperation.RestoreCell("cell-b")));
    }

    [Fact]
    public void Only_well_formed_free_ids_are_taken()
    {
        var session = A.Session(A.Code("cell-a"));
        Assert.Contains("an id has", session.Refuse(new ClientOperation.InsertCell("cell-0001\n", A.SectionId)));
        Assert.Contains("is taken", session.Refuse(new ClientOperation.InsertCell(A.SectionId, A.SectionId)));
    }

    [Fact]
    public void Late_edits_are_rebased_and_half_emoji_survive_storage()
    {
        var session = A.Session(A.Code("cell-a", "ab"));
        session.After(new ClientOperation.EditText("cell-a", "one", 0, [ChangeSet.Parse("""[[0,"\ud83d"],2]""")]));
        session.After(new ClientOperation.EditText("cell-a", "two", 0, [ChangeSet.Parse("""[2,[0,"!"]]""")]));
        Assert.Equal("\ud83dab!", session.Cell("cell-a").Source);
        Assert.Equal("\ud83dab!", ((Notebook)RoundTrip(session.State.Notebook)).Find("cell-a")!.Source);
        Assert.Contains("does not fit", session.Refuse(new ClientOperation.EditText("cell-a", "one", 2, [ChangeSet.Parse("[7]")])));
        Assert.Contains("too far behind", session.Refuse(new ClientOperation.EditText("cell-a", "one", 3, [])));
    }

    private static object RoundTrip(Notebook notebook)
    {
        var type = Livebook.Core.Json.StateJson.Default.Notebook;
        return System.Text.Json.JsonSerializer.Deserialize(System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(notebook, type), type)!;
    }

    [Fact]
    public void A_file_is_saved_when_it_is_due_and_again_when_it_changed_meanwhile()
    {
        var session = A.Session(A.Code("cell-a")).After(new SystemOperation.FileAttached("node-1", "/a.livemd", null));
        Assert.Contains(session.Effects, effect => effect is Effect.SaveFile { Overwrite: false });
        session.After(new SystemOperation.Saved("node-1", "/a.livemd", 0, A.FileVersion()), new ClientOperation.RenameNotebook("B"));
        Assert.Equal("dirty", session.State.File.State);
        Assert.Contains(session.Effects, effect => effect is Effect.ScheduleAutosave { Seconds: 5 });

        session.After(
            new SystemOperation.AutosaveDue(),
            new ClientOperation.RenameNotebook("C"),
            new SystemOperation.Saved("node-1", "/a.livemd", 1, A.FileVersion())
        );
        Assert.Equal("dirty", session.State.File.State);
    }

    [Fact]
    public void A_file_that_was_changed_outside_is_not_overwritten_without_a_choice()
    {
        var session = A.Session(A.Code("cell-a"))
            .After(new SystemOperation.FileAttached("node-1", "/a.livemd", null), new SystemOperation.SaveFailed("changed_outside", "it differs"));
        Assert.Contains("choose", session.Refuse(new ClientOperation.Save()));
        session.After(new ClientOperation.ResolveFileConflict("overwrite"));
        Assert.Contains(session.Effects, effect => effect is Effect.SaveFile { Overwrite: true });
    }

    [Fact]
    public void Word_of_a_save_that_nobody_waits_for_changes_nothing()
    {
        var session = A.Session(A.Code("cell-a"));
        session.Refuse(new SystemOperation.SaveFailed("failed", "no"));
        Assert.Equal("none", session.State.File.State);
    }
}
