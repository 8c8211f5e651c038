using System.Collections.Immutable;
using Livebook.Core.Sessions;
using Livebook.Core.Text;
using Livebook.Core.Wire;
using Livebook.Testing;

namespace Livebook.Core.Tests.Sessions;

public sealed class TextPatchingTests
{
    private static TestSession Session(string source = "one two three") => A.Session(A.Code("cell-a", source));

    private static ClientOperation.PatchText Edits(int? revision, params TextEdit[] edits) => new("cell-a", "api", Edits: [.. edits], Revision: revision);

    private static StreamEntry.TextChanged Change(Outcome.Accepted accepted) => Assert.IsType<StreamEntry.TextChanged>(Assert.Single(accepted.Text));

    [Fact]
    public void A_new_source_changes_only_what_differs()
    {
        var session = Session();
        var accepted = session.Accept(new ClientOperation.PatchText("cell-a", "api", Source: "one 2 three"));
        Assert.Equal("one 2 three", session.Cell("cell-a").Source);
        Assert.Equal("""[4,[3,"2"],6]""", Change(accepted).Changes.ToString());
    }

    [Theory]
    [InlineData("aa", "aaa")]
    [InlineData("aaa", "aa")]
    [InlineData("", "x")]
    [InlineData("x", "")]
    [InlineData("ab\nab", "ab\nab\nab")]
    public void A_new_source_is_what_was_asked_for(string before, string after)
    {
        var session = Session(before).After(new ClientOperation.PatchText("cell-a", "api", Source: after));
        Assert.Equal(after, session.Cell("cell-a").Source);
    }

    [Fact]
    public void The_same_source_again_changes_nothing()
    {
        var session = Session();
        Assert.Empty(session.Accept(new ClientOperation.PatchText("cell-a", "api", Source: "one two three")).Text);
        Assert.Equal(0, session["cell-a"].TextRevision);
    }

    [Fact]
    public void Appended_text_goes_to_the_end_with_one_kind_of_line_end()
    {
        var session = Session("a").After(new ClientOperation.PatchText("cell-a", "api", Append: "\r\nb\rc"));
        Assert.Equal("a\nb\nc", session.Cell("cell-a").Source);
    }

    [Fact]
    public void Edits_of_an_earlier_revision_are_rebased()
    {
        var session = Session();
        session.After(new ClientOperation.EditText("cell-a", "page", 0, [ChangeSet.Of(13, [(0, 0, "zero ")])]));
        session.After(Edits(0, new TextEdit(4, 7, "2"), new TextEdit(13, 13, "!")));
        Assert.Equal("zero one 2 three!", session.Cell("cell-a").Source);
        session.After(Edits(null, new TextEdit(0, 5, "")));
        Assert.Equal("one 2 three!", session.Cell("cell-a").Source);
    }

    [Fact]
    public void Bad_input_is_refused_with_what_to_do()
    {
        var session = Session();
        Assert.Equal("the cell is gone", session.Refuse(new ClientOperation.PatchText("cell-x", "api", Source: "")));
        Assert.Contains("exactly one", session.Refuse(new ClientOperation.PatchText("cell-a", "api")));
        Assert.Contains("exactly one", session.Refuse(new ClientOperation.PatchText("cell-a", "api", Source: "", Append: "")));
        Assert.Contains("read the cell again", session.Refuse(Edits(7, new TextEdit(0, 0, "x"))));
        Assert.Contains("read the cell again", session.Refuse(Edits(-1, new TextEdit(0, 0, "x"))));
        Assert.Contains("does not fit", session.Refuse(Edits(null, new TextEdit(0, 14, ""))));
        Assert.Contains("does not fit", session.Refuse(Edits(null, new TextEdit(-1, 2, ""))));
        Assert.Contains("does not fit", session.Refuse(Edits(null, new TextEdit(5, 4, ""))));
        Assert.Contains("does not fit", session.Refuse(Edits(null, new TextEdit(0, 5, "x"), new TextEdit(4, 6, "y"))));
        Assert.Contains("at most", session.Refuse(new ClientOperation.PatchText("cell-a", "api", Append: new string('x', 8 * 1024 * 1024))));
        Assert.Equal("one two three", session.Cell("cell-a").Source);
    }
}
