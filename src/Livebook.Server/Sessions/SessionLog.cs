using System.Collections.Immutable;
using System.Text.Json;
using Livebook.Cluster;
using Livebook.Core.Json;
using Livebook.Core.Sessions;
using Livebook.Core.Views;
using Livebook.Core.Wire;

namespace Livebook.Server.Sessions;

/// <summary>A session's log as bytes: a snapshot of the state, then the operations accepted since.</summary>
internal static class SessionLog
{
    /// <summary>Entries of which events are made anew when a session is taken over.</summary>
    private const int EventfulEntries = 500;

    public static byte[] Snapshot(SessionState state) => JsonSerializer.SerializeToUtf8Bytes(state, StateJson.Default.SessionState);

    public static byte[] Entry(Operation operation, Stamp stamp) =>
        JsonSerializer.SerializeToUtf8Bytes(new LogRecord(operation, stamp), StateJson.Default.LogRecord);

    /// <summary>The state behind the last entry. Effects are dropped: whoever adopts the session reconciles with what is really there.</summary>
    /// <exception cref="InvalidDataException">The log does not replay: it was written by a build with other rules, or is damaged.</exception>
    public static SessionState Replay(LogContents contents) => Replay(contents, out _);

    /// <param name="events">What the last entries did, so that whoever followed the session at its last owner can go on here.</param>
    /// <inheritdoc cref="Replay(LogContents)"/>
    public static SessionState Replay(LogContents contents, out EventRing events)
    {
        try
        {
            var state = StateJson.ReadState(contents.Snapshot.Span);
            var silent = Math.Max(0, contents.Entries.Length - EventfulEntries);
            events = new EventRing(state.Version + silent);
            SessionView? view = null;
            foreach (var entry in contents.Entries)
            {
                var before = state;
                ImmutableArray<StreamEntry> text = [];
                var record = StateJson.ReadEntry(entry.Span);
                state = SessionReducer.Apply(state, record.Operation, record.Stamp) switch
                {
                    Outcome.Accepted accepted => Accept(accepted, out text),
                    Outcome.Rejected(var reason) => throw new InvalidDataException(
                        $"entry {state.Version + 1} of session {state.Id} ({record.Operation.GetType().Name}) is refused on replay: {reason}"
                    ),
                    _ => throw new InvalidDataException($"entry {state.Version + 1} of session {state.Id} is in the log twice"),
                };
                if (silent-- > 0)
                    continue;
                view ??= SessionProjection.View(before);
                var next = SessionProjection.View(state, before, view);
                events.Add(state.Version, SessionEvents.Between(view, next, text, state.Version));
                view = next;
            }
            return state;
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"the log cannot be read: {error.Message}", error);
        }
    }

    private static SessionState Accept(Outcome.Accepted accepted, out ImmutableArray<StreamEntry> text)
    {
        text = accepted.Text;
        return accepted.State;
    }
}
