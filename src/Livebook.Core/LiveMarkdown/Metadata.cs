using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Livebook.Core.LiveMarkdown;

/// <summary>The object of a <c>&lt;!-- livebook:{…} --&gt;</c> comment: raw JSON by key, sorted.</summary>
internal sealed class Metadata
{
    private const string Prefix = "livebook:";

    public SortedDictionary<string, string> Values { get; } = new(StringComparer.Ordinal);

    public static bool Is(ReadOnlySpan<char> comment) => comment.Trim(" \t\r\n").StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Adds the keys of a comment's object; false if it is no JSON object.</summary>
    public bool TryAdd(string comment)
    {
        try
        {
            using var document = JsonDocument.Parse(comment.AsMemory(comment.IndexOf(Prefix, StringComparison.Ordinal) + Prefix.Length));
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                return false;
            foreach (var property in document.RootElement.EnumerateObject())
                Values[property.Name] = property.Value.GetRawText();
            return true;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Takes a flag out; a value that is none stays.</summary>
    public bool TakeFlag(string key)
    {
        if (!Values.TryGetValue(key, out var raw) || raw is not ("true" or "false"))
            return false;
        Values.Remove(key);
        return raw == "true";
    }

    /// <summary>Takes a string out; null if there is none.</summary>
    public string? TakeString(string key)
    {
        if (!Values.TryGetValue(key, out var raw) || TextOf(raw) is not { } text)
            return null;
        Values.Remove(key);
        return text;
    }

    /// <summary>Takes raw JSON out; null if there is none.</summary>
    public string? Take(string key) => Values.Remove(key, out var raw) ? raw : null;

    /// <summary>The string that this JSON is; null if it is none.</summary>
    public static string? TextOf(string raw)
    {
        if (!raw.StartsWith('"'))
            return null;
        try
        {
            using var document = JsonDocument.Parse(raw);
            return document.RootElement.GetString();
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // A string of half a surrogate pair, which no text can hold.
            return null;
        }
    }

    public void Set(string key, bool value)
    {
        if (value)
            Values[key] = "true";
    }

    public void Set(string key, string value) => Values[key] = JsonOf(value);

    /// <summary>The text as JSON; what is no text (half a surrogate pair) becomes U+FFFD, and what would end a comment is escaped.</summary>
    public static string JsonOf(string text)
    {
        var json = JsonEncodedText.Encode(Encoding.UTF8.GetBytes(text), JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString();
        return $"\"{Escaped(json)}\"";
    }

    private static string Escaped(string json) => json.Replace("-->", "--\\u003e", StringComparison.Ordinal);

    /// <summary>The comment; empty when there are no keys.</summary>
    public string Comment()
    {
        if (Values.Count == 0)
            return "";
        var json = string.Join(',', Values.Select(value => $"{JsonOf(value.Key)}:{value.Value}"));
        // Only a string can hold what ends the comment.
        return $"<!-- {Prefix}{{{Escaped(json)}}} -->";
    }
}
