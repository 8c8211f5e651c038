using System.Text.Json.Serialization;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Core.Text;

namespace Livebook.Core.Json;

/// <summary>How sessions are stored and replicated: entries of the log, and snapshots of the state.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    AllowOutOfOrderMetadataProperties = true,
    RespectNullableAnnotations = true,
    Converters = [typeof(SurrogateSafeString)]
)]
[JsonSerializable(typeof(LogRecord))]
[JsonSerializable(typeof(SessionState))]
[JsonSerializable(typeof(Notebook))]
public sealed partial class StateJson : JsonSerializerContext;
