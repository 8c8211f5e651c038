using System.Text.Json;
using Livebook.Cluster;
using Livebook.Core.Json;
using Livebook.Core.Sessions;

namespace Livebook.Server.Sessions;

/// <summary>A session's log as bytes: a snapshot of the state, then the operations accepted since.</summary>
internal static class SessionLog
{
    public static byte[] Snapshot(SessionState state) => JsonSerializer.SerializeToUtf8Bytes(state, StateJson.Default.SessionState);

    public static byte[] Entry(Operation operation, Stamp stamp) =>
        JsonSerializer.SerializeToUtf8Bytes(new LogRecord(operation, stamp), StateJson.Default.LogRecord);

    /// <summary>The state behind the last entry. Effects are dropped: whoever adopts the session reconciles with what is really there.</summary>
    /// <exception cref="InvalidDataException">The log does not replay: it was written by a build with other rules, or is damaged.</exception>
    public static SessionState Replay(LogContents contents)
    {
        try
        {
            var state = StateJson.ReadState(contents.Snapshot.Span);
            foreach (var entry in contents.Entries)
            {
                var record = StateJson.ReadEntry(entry.Span);
                state = SessionReducer.Apply(state, record.Operation, record.Stamp) switch
                {
                    Outcome.Accepted accepted => accepted.State,
                    Outcome.Rejected(var reason) => throw new InvalidDataException(
                        $"entry {state.Version + 1} of session {state.Id} ({record.Operation.GetType().Name}) is refused on replay: {reason}"
                    ),
                    _ => throw new InvalidDataException($"entry {state.Version + 1} of session {state.Id} is in the log twice"),
                };
            }
            return state;
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"the log cannot be read: {error.Message}", error);
        }
    }
}
