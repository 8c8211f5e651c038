using System.Collections.Immutable;
using Livebook.Core.LiveMarkdown;
using Livebook.Core.Notebooks;

namespace Livebook.Core.Imports;

/// <summary>A notebook that was read from a file of any format.</summary>
/// <param name="Warnings">What a person should know: what was not understood or not taken over.</param>
/// <param name="Format"><c>livemd</c> or <c>ipynb</c>. Only a livemd file can be saved over; others are imports.</param>
public sealed record ReadNotebook(Notebook Notebook, ImmutableArray<string> Warnings, string Format);

/// <summary>Reads notebooks of every format that we know.</summary>
public static class NotebookReading
{
    /// <summary>Reads a notebook by the extension of its file's name, else by its content.</summary>
    /// <param name="idSeed">Ids of cells and sections follow from it and their place.</param>
    /// <exception cref="NotebookFormatException">The file is no notebook.</exception>
    public static ReadNotebook Read(string fileName, ReadOnlyMemory<byte> content, string idSeed)
    {
        switch (ExtensionOf(fileName))
        {
            case ".dib":
                throw new NotebookFormatException("Files of the kind .dib cannot be opened yet. Save it as .ipynb in Visual Studio Code and open that.");
            case ".ipynb":
                return Ipynb();
            case ".livemd" or ".md" or ".txt":
                return LiveMarkdown();
            default:
                return LooksLikeJson(content.Span) ? Ipynb() : LiveMarkdown();
        }

        ReadNotebook Ipynb() => IpynbReader.Read(fileName, content, idSeed);

        ReadNotebook LiveMarkdown()
        {
            var file = LiveMarkdownReader.Read(content.Span, idSeed);
            return new(file.Notebook, file.Warnings, "livemd");
        }
    }

    // No Path: a name from another system keeps its meaning.
    private static string ExtensionOf(string fileName)
    {
        var dot = fileName.LastIndexOf('.');
        return dot < 0 || fileName.AsSpan(dot).ContainsAny('/', '\\') ? "" : fileName[dot..].ToLowerInvariant();
    }

    private static bool LooksLikeJson(ReadOnlySpan<byte> content)
    {
        if (content.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
            content = content[3..];
        return content.TrimStart(" \t\r\n"u8).StartsWith("{"u8);
    }
}
