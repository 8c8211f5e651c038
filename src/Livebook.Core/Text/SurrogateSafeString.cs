using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Livebook.Core.Text;

/// <summary>
/// Strings in JSON with lone surrogates kept, both ways. Browsers make them: when an emoji is exchanged for another, the editor may replace
/// only the half that differs, and until both halves have met again the text holds half a character.
/// </summary>
public sealed class SurrogateSafeString : JsonConverter<string>
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String ? Read(ref reader) : throw new JsonException($"expected a string, found {reader.TokenType}");

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => Write(writer, value);

    public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetString() ?? throw new JsonException("a key is missing");

    public override void WriteAsPropertyName(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WritePropertyName(value);

    /// <summary>Reads the string token the reader is at.</summary>
    /// <exception cref="JsonException">The text is not UTF-8.</exception>
    internal static string Read(ref Utf8JsonReader reader)
    {
        var raw = reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan;
        try
        {
            return reader.ValueIsEscaped ? Unescape(Strict.GetString(raw)) : Strict.GetString(raw);
        }
        catch (DecoderFallbackException error)
        {
            throw new JsonException("a string is not UTF-8", error);
        }
    }

    internal static void Write(Utf8JsonWriter writer, ReadOnlySpan<char> value)
    {
        if (LoneSurrogate(value) < 0)
        {
            writer.WriteStringValue(value);
            return;
        }
        var json = new StringBuilder(value.Length + 32).Append('"');
        while (LoneSurrogate(value) is >= 0 and var at)
        {
            json.Append(JsonEncodedText.Encode(value[..at]).Value).Append(CultureInfo.InvariantCulture, $"\\u{(int)value[at]:x4}");
            value = value[(at + 1)..];
        }
        writer.WriteRawValue(json.Append(JsonEncodedText.Encode(value).Value).Append('"').ToString(), skipInputValidation: true);
    }

    private static int LoneSurrogate(ReadOnlySpan<char> text)
    {
        for (var at = 0; at < text.Length; )
        {
            var next = text[at..].IndexOfAnyInRange('\ud800', '\udfff');
            if (next < 0)
                return -1;
            at += next;
            if (!char.IsHighSurrogate(text[at]) || at + 1 == text.Length || !char.IsLowSurrogate(text[at + 1]))
                return at;
            at += 2;
        }
        return -1;
    }

    private static string Unescape(string escaped)
    {
        // The reader has checked the escapes.
        var text = new StringBuilder(escaped.Length);
        for (var at = 0; at < escaped.Length; at++)
        {
            if (escaped[at] != '\\')
            {
                text.Append(escaped[at]);
                continue;
            }
            at++;
            switch (escaped[at])
            {
                case 'b':
                    text.Append('\b');
                    break;
                case 'f':
                    text.Append('\f');
                    break;
                case 'n':
                    text.Append('\n');
                    break;
                case 'r':
                    text.Append('\r');
                    break;
                case 't':
                    text.Append('\t');
                    break;
                case 'u':
                    text.Append((char)ushort.Parse(escaped.AsSpan(at + 1, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                    at += 4;
                    break;
                default:
                    text.Append(escaped[at]);
                    break;
            }
        }
        return text.ToString();
    }
}
