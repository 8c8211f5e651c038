using System.Text;
using Livebook.Core.LiveMarkdown;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Testing;

namespace Livebook.Core.Tests.Sessions;

public sealed class AttachmentRuleTests
{
    private static readonly string Hash = new('a', 64);

    private static SystemOperation.AttachmentStored Stored(string name) => new(name, Hash, 3);

    [Fact]
    public void A_stored_file_is_listed_by_name_and_its_content_changes_nothing_in_the_notebook()
    {
        var session = A.Session(A.Code("cell-a")).After(Stored("b.csv"), Stored("a.csv"));
        Assert.Equal(["a.csv", "b.csv"], session.State.Notebook.ListedFiles().Select(entry => entry.Name));
        var revision = session.State.ContentRevision;
        session.Accept(new SystemOperation.AttachmentStored("a.csv", new string('b', 64), 4));
        Assert.Equal((revision, 4), (session.State.ContentRevision, session.State.Attachments["a.csv"].Size));
        Assert.Equal(4, session.View.FileEntries["a.csv"].Size);
    }

    [Fact]
    public void A_renamed_file_replaces_the_one_that_has_the_name_and_a_deleted_one_is_gone_from_the_file()
    {
        var session = A.Session(A.Code("cell-a")).After(Stored("a.csv"), Stored("b.csv"), new ClientOperation.RenameAttachment("a.csv", "b.csv"));
        Assert.Contains(new Effect.RemoveAttachment("a.csv", Hash), session.Effects);
        Assert.Equal(["b.csv"], session.State.Attachments.Keys);
        session.Accept(new ClientOperation.DeleteAttachment("b.csv"));
        Assert.DoesNotContain("file_entries", Encoding.UTF8.GetString(LiveMarkdownWriter.WriteBytes(session.State.Notebook)), StringComparison.Ordinal);
        Assert.IsType<Outcome.Rejected>(session.Apply(new ClientOperation.DeleteAttachment("b.csv")));
    }

    [Theory]
    [InlineData("../a.csv")]
    [InlineData("a/b.csv")]
    [InlineData("a\0.csv")]
    [InlineData("a.csv\n")]
    [InlineData(".a.csv")]
    [InlineData("a")]
    [InlineData("")]
    public void A_hostile_name_is_refused(string name)
    {
        var session = A.Session(A.Code("cell-a")).After(Stored("a.csv"));
        Assert.IsType<Outcome.Rejected>(session.Apply(Stored(name)));
        Assert.IsType<Outcome.Rejected>(session.Apply(new ClientOperation.RenameAttachment("a.csv", name)));
    }

    [Fact]
    public void References_and_entries_that_nobody_touched_keep_their_spelling()
    {
        const string kept = "{\"type\":\"url\",  \"name\":\"z.csv\",\"url\":\"https://example.org/z.csv\"}";
        var notebook = new Notebook().WithAttachment("a.csv");
        notebook = notebook with { ExtraMetadata = notebook.ExtraMetadata.SetItem("file_entries", $"[{kept},{{\"name\":1}}]") };
        var changed = notebook.WithAttachment("b.csv");
        Assert.Contains(kept, changed.ExtraMetadata["file_entries"], StringComparison.Ordinal);
        Assert.Equal(["b.csv", "z.csv"], changed.ListedFiles().Select(entry => entry.Name));
        Assert.Equal("https://example.org/z.csv", changed.ListedFiles()[1].Location);
        Assert.Same(changed, changed.WithAttachment("b.csv"));
    }
}
