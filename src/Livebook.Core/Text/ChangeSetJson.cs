using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Livebook.Core.Text;

/// <summary>CodeMirror's JSON form of a change set, lone surrogates included.</summary>
internal sealed class ChangeSetJson : JsonConverter<ChangeSet>
{
    private static readonly FormatException NotAChangeSet = new("""a change set is a list of n, [n] and [n,"line",…], n a length""");

    public override ChangeSet Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        try
        {
            return Read(ref reader);
        }
        catch (FormatException error)
        {
            throw new JsonException(error.Message, error);
        }
    }

    public override void Write(Utf8JsonWriter writer, ChangeSet value, JsonSerializerOptions options) => Write(writer, value);

    /// <exception cref="FormatException">Not a change set.</exception>
    public static ChangeSet Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            reader.Read();
            var changes = Read(ref reader);
            return reader.Read() ? throw NotAChangeSet : changes;
        }
        catch (JsonException error)
        {
            throw new FormatException(error.Message, error);
        }
    }

    public static string ToText(ChangeSet changes)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
            Write(writer, changes);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static ChangeSet Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw NotAChangeSet;
        var sections = ImmutableArray.CreateBuilder<ChangeSection>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.StartArray)
            {
                reader.Read();
                sections.Add(new ChangeSection(Length(ref reader), Lines(ref reader)));
            }
            else
            {
                sections.Add(new ChangeSection(Length(ref reader), null));
            }
        }
        return new ChangeSet(sections.ToImmutable());
    }

    private static int Length(ref Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var length) && length >= 0 ? length : throw NotAChangeSet;

    private static string Lines(ref Utf8JsonReader reader)
    {
        var text = "";
        StringBuilder? more = null;
        for (var count = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; count++)
        {
            if (reader.TokenType != JsonTokenType.String)
                throw NotAChangeSet;
            var line = SurrogateSafeString.Read(ref reader);
            if (line.AsSpan().ContainsAny('\r', '\n'))
                throw new FormatException("a line of a change set holds a line end");
            if (count == 0)
                text = line;
            else
                (more ??= new StringBuilder(text)).Append('\n').Append(line);
        }
        return more?.ToString() ?? text;
    }

    private static void Write(Utf8JsonWriter writer, ChangeSet changes)
    {
        writer.WriteStartArray();
        foreach (var (length, insert) in changes.Sections)
        {
            if (insert is null)
            {
                writer.WriteNumberValue(length);
                continue;
            }
            writer.WriteStartArray();
            writer.WriteNumberValue(length);
            if (insert.Length > 0)
            {
                foreach (var line in insert.AsSpan().Split('\n'))
                    SurrogateSafeString.Write(writer, insert.AsSpan()[line]);
            }
            writer.WriteEndArray();
        }
        writer.WriteEndArray();
    }
}
