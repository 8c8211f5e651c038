using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;
using Livebook.Core.LiveMarkdown;

namespace Livebook.Core.Notebooks;

/// <summary>One file that a notebook lists (F4).</summary>
/// <param name="Type"><c>attachment</c>: kept in <c>files/</c>; <c>url</c> or <c>file</c>: a reference.</param>
/// <param name="Location">Where a reference leads, for a person; null for attachments.</param>
public sealed record FileEntry(string Name, string Type, string? Location = null)
{
    public const string AttachmentType = "attachment";
}

/// <summary>The files that a notebook lists: the key <c>file_entries</c> of its metadata, in which entries that are not touched keep their spelling.</summary>
public static partial class FileEntries
{
    private const string Key = "file_entries";
    private const int NameCharacters = 200;

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9_.-]*\.[A-Za-z0-9_]+\z")]
    private static partial Regex NamePattern { get; }

    /// <summary>What is wrong with a name of a file entry, for a person; null when it is sound.</summary>
    public static string? FaultOf(string name) =>
        name.Length > NameCharacters ? $"must have at most {NameCharacters} characters, found {name.Length}"
        : NamePattern.IsMatch(name) ? null
        : "must be made of A-Z, a-z, 0-9, _, - and ., begin with a letter, digit or _, and end with an extension";

    /// <summary>What the notebook lists; entries that make no sense are passed over.</summary>
    public static ImmutableArray<FileEntry> ListedFiles(this Notebook notebook) => [.. Read(notebook).Select(entry => entry.Entry).OfType<FileEntry>()];

    /// <summary>Lists an attachment; an entry of the same name is replaced.</summary>
    public static Notebook WithAttachment(this Notebook notebook, string name)
    {
        var entries = Read(notebook);
        if (entries.Any(entry => entry.Entry is { Type: FileEntry.AttachmentType } known && known.Name == name))
            return notebook;
        return Write(notebook, [.. entries.Where(entry => entry.Entry?.Name != name), (Made(name), new FileEntry(name, FileEntry.AttachmentType))]);
    }

    /// <summary>Takes an entry off the list.</summary>
    public static Notebook WithoutFileEntry(this Notebook notebook, string name)
    {
        var entries = Read(notebook);
        return entries.Any(entry => entry.Entry?.Name == name) ? Write(notebook, [.. entries.Where(entry => entry.Entry?.Name != name)]) : notebook;
    }

    private static string Made(string name) => $"{{\"name\":{Metadata.JsonOf(name)},\"type\":\"{FileEntry.AttachmentType}\"}}";

    private static Notebook Write(Notebook notebook, ImmutableArray<(string Raw, FileEntry? Entry)> entries)
    {
        if (entries.IsEmpty)
            return notebook with { ExtraMetadata = notebook.ExtraMetadata.Remove(Key) };
        var sorted = entries.OrderBy(entry => entry.Entry?.Name ?? "", StringComparer.Ordinal).Select(entry => entry.Raw);
        return notebook with { ExtraMetadata = notebook.ExtraMetadata.SetItem(Key, $"[{string.Join(',', sorted)}]") };
    }

    private static ImmutableArray<(string Raw, FileEntry? Entry)> Read(Notebook notebook)
    {
        if (!notebook.ExtraMetadata.TryGetValue(Key, out var raw))
            return [];
        try
        {
            using var document = JsonDocument.Parse(raw);
            return document.RootElement.ValueKind == JsonValueKind.Array
                ? [.. document.RootElement.EnumerateArray().Select(entry => (entry.GetRawText(), EntryOf(entry)))]
                : [];
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return [];
        }
    }

    private static FileEntry? EntryOf(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object || TextOf(json, "name") is not { } name || FaultOf(name) is not null)
            return null;
        return TextOf(json, "type") switch
        {
            FileEntry.AttachmentType => new FileEntry(name, FileEntry.AttachmentType),
            "url" when TextOf(json, "url") is { } url => new FileEntry(name, "url", url),
            "file" when json.TryGetProperty("file", out var file) && file.ValueKind == JsonValueKind.Object && TextOf(file, "path") is { } path =>
                new FileEntry(name, "file", path),
            _ => null,
        };
    }

    private static string? TextOf(JsonElement json, string key) =>
        json.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
