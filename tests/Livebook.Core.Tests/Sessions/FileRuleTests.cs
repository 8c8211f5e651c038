using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Core.Wire;
using Livebook.Testing;

namespace Livebook.Core.Tests.Sessions;

public sealed class FileRuleTests
{
    private static readonly SystemOperation.FileAttached Attached = new("node-1", "/a.livemd", null);

    private static SystemOperation.Saved Saved(TestSession session, string path = "/a.livemd") =>
        new("node-1", path, session.State.ContentRevision, A.FileVersion());

    private static TestSession Clean(params Cell[] cells)
    {
        var session = A.Session(cells).After(Attached);
        return session.After(Saved(session));
    }

    private static TestSession Changed()
    {
        var session = Clean(A.Code("cell-a"), A.Code("cell-b")).After(new ClientOperation.RenameNotebook("Ours"), new SystemOperation.AutosaveDue());
        return session.After(new SystemOperation.SaveFailed("changed_outside", "it differs"));
    }

    [Fact]
    public void Reloading_takes_the_files_text_and_keeps_cells_that_are_the_same()
    {
        var session = Changed().Run("cell-b").After(new ClientOperation.ResolveFileConflict("reload"));
        Assert.Contains(new Effect.ReloadFile(), session.Effects);
        var file = A.Notebook(A.Section("read-s", A.Code("read-1", session.Cell("cell-b").Source), A.Code("read-2", "new"))) with { Name = "Theirs" };

        var accepted = session.Accept(new SystemOperation.FileReloaded(file, A.FileVersion("hash-2")));

        Assert.Equal("Theirs", session.State.Notebook.Name);
        Assert.Equal([Cell.SetupId, "cell-b", "read-2"], session.State.Notebook.Cells.Select(cell => cell.Id));
        Assert.Equal("saved", session.State.File.State);
        Assert.Equal("hash-2", session.State.File.Version!.Hash);
        Assert.Contains(new Effect.ForgetEvaluation("cell-a"), accepted.Effects);
        Assert.Contains(new StreamEntry.TextReplaced("read-2", 1, "new"), accepted.Text);
        Assert.DoesNotContain("cell-a", session.State.Cells.Keys);
        // It had run behind a cell that is not there any more.
        Assert.Equal("stale", session.Validity("cell-b"));
    }

    [Fact]
    public void Keeping_both_goes_on_in_a_new_file_and_gives_the_old_ones_lock_back()
    {
        var session = Changed().After(new ClientOperation.ResolveFileConflict("keep_both"));
        Assert.Contains(new Effect.KeepBoth(), session.Effects);
        Assert.Equal("changed_outside", session.State.File.State);

        session.After(new SystemOperation.FileAttached("node-1", "/a (2).livemd", null));

        Assert.Equal([new Effect.ReleaseFile("node-1", "/a.livemd"), new Effect.SaveFile(false)], session.Effects);
        Assert.Equal(("saving", "/a (2).livemd"), (session.State.File.State, session.State.File.Path));
        Assert.Contains("elsewhere", session.Refuse(Saved(session)));
        session.After(Saved(session, "/a (2).livemd"));
        Assert.Equal("saved", session.State.File.State);
    }

    [Fact]
    public void A_choice_is_taken_only_for_a_file_that_was_changed()
    {
        Assert.Contains("not changed", Clean(A.Code("cell-a")).Refuse(new ClientOperation.ResolveFileConflict("reload")));
        Assert.Contains("reload, keep_both or overwrite", Changed().Refuse(new ClientOperation.ResolveFileConflict("ignore")));
    }

    [Fact]
    public void A_detached_session_gives_the_lock_back_and_saves_nowhere()
    {
        var session = Clean(A.Code("cell-a")).After(new ClientOperation.SetFile(null));
        Assert.Equal([new Effect.ReleaseFile("node-1", "/a.livemd")], session.Effects);
        Assert.Equal("none", session.State.File.State);
        Assert.Contains("no file", session.Refuse(new ClientOperation.Save()));
        Assert.Empty(session.After(new ClientOperation.RenameNotebook("B")).Effects);
        Assert.Contains("locked first", session.Refuse(new ClientOperation.SetFile("/b.livemd")));
    }

    [Fact]
    public void Autosave_that_is_turned_on_saves_what_waits()
    {
        var session = Clean(A.Code("cell-a")).After(new ClientOperation.SetNotebook(AutosaveSeconds: 0));
        Assert.Equal("dirty", session.State.File.State);
        Assert.DoesNotContain(session.Effects, effect => effect is Effect.ScheduleAutosave);
        Assert.Contains("nothing to save", session.Refuse(new SystemOperation.AutosaveDue()));

        session.After(new ClientOperation.SetNotebook(AutosaveSeconds: 30));
        Assert.Equal([new Effect.ScheduleAutosave(30)], session.Effects);
        session.After(new SystemOperation.AutosaveDue());
        Assert.Equal("saving", session.State.File.State);
        Assert.Contains("0 (never) to 86400", session.Refuse(new ClientOperation.SetNotebook(AutosaveSeconds: 100_000)));
    }

    [Fact]
    public void Saving_that_fails_is_tried_again_later_and_says_why()
    {
        var session = Clean(A.Code("cell-a")).After(new ClientOperation.RenameNotebook("B"), new SystemOperation.AutosaveDue());
        session.After(new SystemOperation.SaveFailed("disk_full", "no room"));
        Assert.Equal(("failed", "no room"), (session.State.File.State, session.State.File.Message));
        Assert.Equal([new Effect.ScheduleAutosave(5)], session.Effects);
    }

    [Fact]
    public void Whoever_adopts_a_session_finishes_a_save_and_waits_for_the_next()
    {
        var saving = Clean(A.Code("cell-a")).After(new ClientOperation.Save(), new SystemOperation.Adopted("node-2", 2, false));
        Assert.Contains(new Effect.SaveFile(false), saving.Effects);
        var dirty = Clean(A.Code("cell-a")).After(new ClientOperation.RenameNotebook("B"), new SystemOperation.Adopted("node-2", 2, false));
        Assert.Contains(new Effect.ScheduleAutosave(5), dirty.Effects);
    }
}
