using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Livebook.Core.LiveMarkdown;

namespace Livebook.Core.Imports;

/// <summary>Text in the JSON of notebooks: a string or an array of its lines, half surrogate pairs included.</summary>
internal static partial class JsonText
{
    /// <summary>The property's string; null if there is none.</summary>
    public static string? TextOf(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? String(value)
            : null;

    /// <summary>The property's object; one without properties if there is none.</summary>
    public static JsonElement ObjectOf(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : default;

    /// <summary>The property's text, whole; empty if there is none.</summary>
    public static string Joined(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value.Joined() ?? "" : "";

    /// <summary>The text of a string or an array of strings, with <c>\n</c> line ends; null for anything else.</summary>
    public static string? Joined(this JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => FileText.WithLineFeeds(String(value)),
            JsonValueKind.Array when value.EnumerateArray().All(line => line.ValueKind == JsonValueKind.String) => FileText.WithLineFeeds(
                string.Concat(value.EnumerateArray().Select(String))
            ),
            _ => null,
        };

    /// <summary>Writes a text as the array of its lines, like Jupyter does.</summary>
    public static void WriteLines(this Utf8JsonWriter json, string name, string text)
    {
        json.WriteStartArray(name);
        text = Valid(text);
        for (var at = 0; at < text.Length; )
        {
            var end = text.IndexOf('\n', at);
            end = end < 0 ? text.Length : end + 1;
            json.WriteStringValue(text.AsSpan(at..end));
            at = end;
        }

        json.WriteEndArray();
    }

    /// <summary>The text with U+FFFD for what is no character.</summary>
    public static string Valid(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    public static bool IsJson(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string String(JsonElement value)
    {
        try
        {
            return value.GetString() ?? "";
        }
        catch (InvalidOperationException)
        {
            using var repaired = JsonDocument.Parse(HalfPairs().Replace(value.GetRawText(), @"\ufffd"));
            return repaired.RootElement.GetString() ?? "";
        }
    }

    [GeneratedRegex(@"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]..", RegexOptions.CultureInvariant)]
    private static partial Regex HalfPairs();
}
