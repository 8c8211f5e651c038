using System.Globalization;
using System.Text;
using System.Text.Json;
using Livebook.Core.Notebooks;

namespace Livebook.Core.Imports;

/// <summary>Reads Jupyter notebooks (nbformat 4), those of .NET Interactive included. An import: what has no place here is reported.</summary>
public static class IpynbReader
{
    /// <exception cref="NotebookFormatException">The file is no such notebook.</exception>
    public static ReadNotebook Read(string fileName, ReadOnlyMemory<byte> content, string idSeed)
    {
        if (content.Span.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
            content = content[3..];
        var isText = System.Text.Unicode.Utf8.IsValid(content.Span);
        if (!isText)
            content = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(content.Span));

        using var document = Parse(content);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("nbformat", out var format) || !TryVersion(format, out var version))
            throw new NotebookFormatException("The file is JSON but no Jupyter notebook: it has no nbformat number.");
        if (version < 4)
        {
            throw new NotebookFormatException(
                $"The notebook has the old format {version}. Open and save it once in Jupyter (or run: jupyter nbconvert --to notebook), then open it again."
            );
        }

        if (version > 4)
            throw new NotebookFormatException($"The notebook has the format {version}, which is newer than what can be read (4).");
        if (!root.TryGetProperty("cells", out var cells) || cells.ValueKind != JsonValueKind.Array)
            throw new NotebookFormatException("The notebook has no list of cells.");

        var import = new IpynbImport(root.ObjectOf("metadata"), idSeed);
        if (!isText)
            import.Warnings.Add("The file is not valid UTF-8; what could not be read was replaced by \uFFFD.");
        foreach (var cell in cells.EnumerateArray())
            import.Add(cell);
        return new(import.Finish(NameOf(fileName)), [.. import.Warnings], "ipynb");
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> content)
    {
        try
        {
            return JsonDocument.Parse(content, new JsonDocumentOptions { MaxDepth = 256 });
        }
        catch (JsonException error)
        {
            var place = error.LineNumber is { } line ? $" (line {line + 1}, byte {error.BytePositionInLine + 1} of the line)" : "";
            throw new NotebookFormatException(
                string.Create(CultureInfo.InvariantCulture, $"The file is no valid JSON, so it is no Jupyter notebook, or it is damaged{place}."),
                error
            );
        }
    }

    private static bool TryVersion(JsonElement format, out int version)
    {
        version = 0;
        return format.ValueKind == JsonValueKind.Number && format.TryGetInt32(out version);
    }

    private static string NameOf(string fileName)
    {
        var name = fileName[(fileName.AsSpan().LastIndexOfAny('/', '\\') + 1)..];
        var dot = name.LastIndexOf('.');
        return Names.Collapse(dot > 0 ? name[..dot] : name) is { Length: > 0 } collapsed ? collapsed : Notebook.DefaultName;
    }
}
