using System.Text.Json.Serialization;
using Livebook.Core.Text;
using Livebook.Core.Views;
using Livebook.Core.Wire;

namespace Livebook.Core.Json;

/// <summary>What goes between browsers and nodes. A message that lacks something, or has null where there must be a value, is refused when it is read.</summary>
[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    AllowOutOfOrderMetadataProperties = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    Converters = [typeof(SurrogateSafeString)]
)]
[JsonSerializable(typeof(ClientMessage))]
[JsonSerializable(typeof(ServerMessage))]
[JsonSerializable(typeof(SessionView))]
public sealed partial class WireJson : JsonSerializerContext;
