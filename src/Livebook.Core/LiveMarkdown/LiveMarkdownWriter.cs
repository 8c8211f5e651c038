using System.Buffers;
using Livebook.Core.Notebooks;

namespace Livebook.Core.LiveMarkdown;

/// <summary>
/// Writes <c>.livemd</c> files. What nobody changed since it was read is written as the file had it, byte for byte; the rest is spelled
/// like Livebook does, except that the text of markdown cells is not reformatted and nothing of it is dropped.
/// A stamp signs the exact bytes in front of it, so it is left out as soon as they differ: a wrong stamp would make Livebook
/// distrust the whole notebook. It comes back when the change is undone.
/// </summary>
public static class LiveMarkdownWriter
{
    /// <param name="withOutputs">Whether outputs are written; null = as the notebook says. Outputs that a file held against its own setting stay until they change.</param>
    public static byte[] WriteBytes(Notebook notebook, bool? withOutputs = null)
    {
        var origin = notebook.Origin;
        var file = origin?.File;
        var outputs = OutputMode(notebook, withOutputs);
        if (file?.Whole is { } whole && outputs != WrittenOutputs.None && file.WholeFingerprint == Fingerprints.OfWhole(notebook))
        {
            var all = new BlockSink(false);
            all.Verbatim(whole, origin!.IsBytes);
            return all.Bytes.ToArray();
        }

        var sink = new BlockSink(file?.CrLf ?? false);
        new NotebookLayout(notebook, outputs, sink).Write();
        if (file?.StampAt is not { } stamp || file.BodyHash == Fingerprints.OfBytes(sink.Bytes))
            sink.End(file?.After, origin?.IsBytes ?? false);
        else
            sink.End(file.After[..stamp].TrimEnd(' ', '\t', '\r', '\n') + (file.CrLf ? "\r\n" : "\n"), origin!.IsBytes);
        return sink.Bytes.ToArray();
    }

    private static WrittenOutputs OutputMode(Notebook notebook, bool? withOutputs) =>
        (withOutputs ?? notebook.PersistOutputs) ? WrittenOutputs.All
        : withOutputs == false || notebook.Origin?.File is { PersistedOutputs: true } ? WrittenOutputs.None
        : WrittenOutputs.Unchanged;
}

/// <summary>Which stored outputs go into the file.</summary>
internal enum WrittenOutputs
{
    None,

    /// <summary>Those that the file held, as long as nothing changed about them.</summary>
    Unchanged,
    All,
}
