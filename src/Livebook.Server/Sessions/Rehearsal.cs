using Livebook.Cluster;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Core.Text;
using Livebook.Core.Views;

namespace Livebook.Server.Sessions;

/// <summary>
/// Takes a small session over, for nothing: the code that everybody waits for in a fail-over is compiled before it is needed.
/// Without it the first session that a node takes over takes most of a second longer.
/// </summary>
internal static class Rehearsal
{
    private const string Name = "rehearsal";

    public static void Run()
    {
        var state = SessionReducer.Open(Name, NewNotebook.Make(), DateTimeOffset.UnixEpoch, []);
        var cell = state.Notebook.Cells.Last().Id;
        Operation[] operations =
        [
            new ClientOperation.EditText(cell, Name, 0, [ChangeSet.Of(0, [(0, 0, "1 + 1")])]),
            new ClientOperation.EditText(cell, "another", 0, [ChangeSet.Of(0, [(0, 0, "2 + ")])]),
            new ClientOperation.Evaluate([cell]),
            new RuntimeOperation.Connected(Name, Name, 1, Name, 1),
        ];
        var entries = operations.Select(
            (operation, index) => (ReadOnlyMemory<byte>)SessionLog.Entry(operation, new Stamp(DateTimeOffset.UnixEpoch, Name, Name, index + 1))
        );
        var before = SessionLog.Replay(new LogContents(SessionLog.Snapshot(state), [.. entries]));
        var next = SessionLog.Replay(new LogContents(SessionLog.Snapshot(before), []));
        if (
            SessionReducer.Apply(next, new SystemOperation.Adopted(Name, 2, RuntimeAlive: false), new Stamp(DateTimeOffset.UnixEpoch))
            is Outcome.Accepted accepted
        )
            _ = SessionProjection.View(accepted.State, next, SessionProjection.View(next));
    }
}
