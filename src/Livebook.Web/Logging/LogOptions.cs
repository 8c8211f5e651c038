using System.Collections.Immutable;

namespace Livebook.Web.Logging;

/// <summary>How the server logs (LIVEBOOK_LOG_LEVEL, _FORMAT, _METADATA).</summary>
/// <param name="Level">Null: what happens to the cluster and to sessions, and warnings of the rest.</param>
/// <param name="Json">One JSON object a line in place of text.</param>
/// <param name="Metadata">Which keys are written with a line: <c>request_id</c>, <c>users</c>, <c>session_mode</c>, <c>code</c>, <c>event</c>.</param>
public sealed record LogOptions(LogLevel? Level, bool Json, ImmutableArray<string> Metadata)
{
    public static readonly ImmutableArray<string> KnownMetadata = ["request_id", "users", "session_mode", "code", "event"];

    public static readonly LogOptions Standard = new(null, false, ["request_id"]);
}
