using System.Collections.Immutable;
using Livebook.Core.Sessions;
using Livebook.Core.Tests.Oracle;
using Livebook.Core.Text;
using Livebook.Core.Wire;
using Livebook.Testing;

namespace Livebook.Core.Tests.Text;

public sealed class ConvergenceTests(EditorOracle oracle)
{
    private const string Cell = "cell-0001";

    /// <summary>A push, or the end of the run when <see cref="Texts"/> is set.</summary>
    private sealed record Line(string? Editor, int Revision, ImmutableArray<ChangeSet>? Updates, ImmutableArray<string>? Texts);

    [Fact]
    public Task Editors_on_bad_connections_always_end_with_the_sessions_text() =>
        oracle.TalkAsync(
            async talk =>
            {
                for (var seed = 1; seed <= 200; seed++)
                {
                    var (text, texts) = await RunAsync(talk, seed);
                    Assert.All(texts, each => Assert.True(each == text, $"seed {seed}: a page has {each}, the session {text}"));
                }
            },
            TestContext.Current.CancellationToken
        );

    private static async Task<(string Text, ImmutableArray<string> Texts)> RunAsync(EditorOracle.Conversation talk, int seed)
    {
        var session = A.Session(A.Code(Cell, "one two\nthree"));
        await talk.SayAsync(
            new
            {
                Do = "converge",
                Seed = seed,
                Pages = 2 + seed % 7,
                Edits = 25,
            }
        );
        while (true)
        {
            var line = await talk.HearAsync<Line>();
            if (line.Texts is { } texts)
                return (session.State.Notebook.Find(Cell)!.Source, texts);
            var step = session.Accept(new ClientOperation.EditText(Cell, line.Editor!, line.Revision, line.Updates!.Value));
            await talk.SayAsync(new { Accepted = step.Text.Cast<StreamEntry.TextChanged>().Select(text => new { text.Editor, text.Changes }) });
        }
    }
}
