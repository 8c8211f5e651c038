using System.Text.Json;
using Livebook.Core.Json;
using Livebook.Core.Sessions;
using Livebook.Core.Text;
using Livebook.Testing;

namespace Livebook.Core.Tests.Sessions;

public sealed class BoundedMemoryTests
{
    [Fact]
    public void Ten_thousand_edits_and_a_thousand_evaluations_leave_a_small_session()
    {
        var session = A.Session(A.Code("cell-a"));
        for (var i = 0; i < 10_000; i++)
        {
            var length = session.Cell("cell-a").Source.Length;
            var edit = ChangeSet.Of(length, [(0, Math.Min(length, 1), "x")]);
            session.Accept(new ClientOperation.EditText("cell-a", "page", i, [edit]), new Stamp(A.Start, Client: "tab", Ref: i + 1));
            if (i % 10 == 0)
                session.Run("cell-a");
        }
        Assert.Equal(500, session["cell-a"].TextHistory.Count);
        Assert.Empty(Assert.Single(session.State.Refs).Value.Open);
        Assert.InRange(JsonSerializer.SerializeToUtf8Bytes(session.State, StateJson.Default.SessionState).Length, 1, 64 * 1024);
    }
}
