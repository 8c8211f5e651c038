using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Livebook.Core.Json;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Core.Tests.Notebooks;
using Livebook.Protocol;
using Livebook.Testing;

namespace Livebook.Core.Tests.Sessions;

public sealed class SessionPropertyTests
{
    [Fact]
    public void Replaying_from_any_snapshot_gives_the_same_session_as_replaying_from_the_start() =>
        Gen.Int[0, 1_000_000]
            .Sample(
                seed =>
                {
                    var session = RandomOperations.Session(seed, 150);
                    var final = Json(session.State);
                    var log = session.Log.Select(RoundTrip).ToArray();
                    Assert.True(Same(final, Json(Replay(RoundTrip(session.First), log))));

                    var cut = log.Length == 0 ? 0 : seed % log.Length;
                    var snapshot = RoundTrip(Replay(session.First, log[..cut]));
                    Assert.True(Same(final, Json(Replay(snapshot, log[cut..]))), $"from {cut} of {log.Length}");
                },
                iter: 150
            );

    [Fact]
    public void What_must_always_hold_holds_after_every_operation() =>
        Gen.Int[0, 1_000_000].Sample(seed => RandomOperations.Session(seed, 200, session => Check(session.State)), iter: 150);

    private static void Check(SessionState state)
    {
        var ids = state.Notebook.Cells.Select(cell => cell.Id).ToArray();
        Assert.Equal(ids.Length, ids.Distinct().Count());
        Assert.Equal(Cell.SetupId, ids[0]);
        Assert.Empty(state.Bin.Keys.Intersect(ids));

        Assert.Equal(state.Queue.Length, state.Queue.Distinct().Count());
        Assert.Equal(state.Queue.Order(), state.Cells.Where(cell => cell.Value.Status == CellStatus.Queued).Select(cell => cell.Key).Order());
        Assert.All(state.Queue, id => Assert.IsAssignableFrom<EvaluableCell>(state.Notebook.Find(id)));
        if (state.Runtime.Status != "connected")
            Assert.DoesNotContain(state.Cells.Values, cell => cell.Status == CellStatus.Evaluating);

        var places = Flow.Walk(state.Notebook);
        var running = places.Where(place => state.StateOf(place.Cell.Id).Status == CellStatus.Evaluating).ToArray();
        Assert.Equal(running.Length, running.Select(place => place.Flow).Distinct().Count());
        Assert.Equal(running.Length, state.Cells.Values.Count(cell => cell.Status == CellStatus.Evaluating));
        // Nobody waits for nothing.
        if (state.Runtime.Status == "connected" && !state.Queue.IsEmpty)
            Assert.NotEmpty(running);
        foreach (var place in places)
            Assert.Equal(state.Notebook.EvaluationParent(place.Cell.Id), place.Parent);

        Assert.Equal(state.OutputBytes, state.Cells.Values.SelectMany(cell => cell.Outputs).Sum(Bytes));
        Assert.All(state.Cells.Values, cell => Assert.Equal(cell.Outputs.Length, cell.Outputs.Select(output => output.Id).Distinct().Count()));
    }

    private static long Bytes(CellOutput output) =>
        2L * (output.Chunks?.Sum(chunk => chunk.Length) ?? 0) + 2L * (output.Data?.Values.Sum(value => value.Value.Length) ?? 0);

    private static SessionState Replay(SessionState state, IEnumerable<LogRecord> log) =>
        log.Aggregate(state, (before, entry) => ((Outcome.Accepted)SessionReducer.Apply(before, entry.Operation, entry.Stamp)).State);

    private static byte[] Json(SessionState state) => JsonSerializer.SerializeToUtf8Bytes(state, StateJson.Default.SessionState);

    private static SessionState RoundTrip(SessionState state) => StateJson.ReadState(Json(state));

    private static LogRecord RoundTrip(LogRecord entry) => StateJson.ReadEntry(JsonSerializer.SerializeToUtf8Bytes(entry, StateJson.Default.LogRecord));

    private static bool Same(byte[] one, byte[] other) => one.AsSpan().SequenceEqual(other) || JsonNode.DeepEquals(JsonNode.Parse(one), JsonNode.Parse(other));
}
