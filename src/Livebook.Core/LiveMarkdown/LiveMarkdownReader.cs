using System.Collections.Immutable;
using System.Text;
using Livebook.Core.Notebooks;

namespace Livebook.Core.LiveMarkdown;

/// <summary>A notebook that was read from a file, and what a person should know about it.</summary>
/// <param name="Warnings">Sentences with line numbers; empty when all was understood.</param>
public sealed record LiveMarkdownFile(Notebook Notebook, ImmutableArray<string> Warnings);

/// <summary>
/// Reads <c>.livemd</c> files. Any bytes are a notebook: what is not understood becomes prose or is kept aside, and
/// <see cref="LiveMarkdownWriter"/> writes all that nobody changed back byte for byte.
/// </summary>
public static class LiveMarkdownReader
{
    /// <param name="bytes">The file.</param>
    /// <param name="idSeed">Ids of cells and sections follow from it and their place.</param>
    public static LiveMarkdownFile Read(ReadOnlySpan<byte> bytes, string idSeed)
    {
        var assembly = new NotebookAssembly(new FileText(bytes), idSeed);
        var notebook = assembly.Read();
        // A stamp covers the bytes in front of it; the offset of the text behind the last block is only known in characters.
        var file = notebook.Origin!.File!;
        if (file.StampAt is not null)
        {
            var after = assembly.ByteCount(file.After);
            notebook = notebook with { Origin = notebook.Origin with { File = file with { BodyHash = Fingerprints.OfBytes(bytes[..^after]) } } };
        }

        if (!bytes.SequenceEqual(LiveMarkdownWriter.WriteBytes(notebook)))
        {
            file = notebook.Origin!.File! with { Whole = assembly.Text, WholeFingerprint = Fingerprints.OfWhole(notebook) };
            notebook = notebook with { Origin = notebook.Origin with { File = file } };
        }

        return new(notebook, assembly.Warnings);
    }

    /// <inheritdoc cref="Read(ReadOnlySpan{byte}, string)"/>
    public static LiveMarkdownFile Read(string text, string idSeed) => Read(Encoding.UTF8.GetBytes(text), idSeed);
}
