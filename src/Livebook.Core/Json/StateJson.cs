using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Core.Text;

namespace Livebook.Core.Json;

/// <summary>How sessions are stored and replicated: entries of the log, and snapshots of the state. Read with <see cref="ReadState"/> and <see cref="ReadEntry"/>.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    AllowOutOfOrderMetadataProperties = true,
    RespectNullableAnnotations = true,
    Converters = [typeof(SurrogateSafeString)]
)]
[JsonSerializable(typeof(LogRecord))]
[JsonSerializable(typeof(SessionState))]
[JsonSerializable(typeof(Notebook))]
public sealed partial class StateJson : JsonSerializerContext
{
    /// <summary>
    /// Generated code sets every init property, also those that the JSON does not have, and so loses their initial values. What an older build
    /// wrote must keep them.
    /// </summary>
    private static JsonSerializerOptions Reading =>
        field ??= new JsonSerializerOptions(Default.Options) { TypeInfoResolver = new DefaultJsonTypeInfoResolver() };

    /// <summary>Reads a snapshot; what an older build did not write has its default.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static SessionState ReadState(ReadOnlySpan<byte> json) => Read<SessionState>(json);

    /// <summary>Reads an entry of the log; what an older build did not write has its default.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static LogRecord ReadEntry(ReadOnlySpan<byte> json) => Read<LogRecord>(json);

    private static T Read<T>(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize<T>(json, Reading) ?? throw new JsonException("null is not a value here");
}
