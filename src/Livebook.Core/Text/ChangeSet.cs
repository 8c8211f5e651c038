using System.Text.Json;
using System.Text.Json.Serialization;

namespace Livebook.Core.Text;

/// <summary>A change of a text in CodeMirror's terms. Placeholder until the text room is filled.</summary>
[JsonConverter(typeof(ChangeSetJson))]
public sealed record ChangeSet(string Json)
{
    private sealed class ChangeSetJson : JsonConverter<ChangeSet>
    {
        public override ChangeSet Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            new(JsonDocument.ParseValue(ref reader).RootElement.GetRawText());

        public override void Write(Utf8JsonWriter writer, ChangeSet value, JsonSerializerOptions options) => writer.WriteRawValue(value.Json);
    }
}
