using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Livebook.Core.Notebooks;
using Livebook.Protocol;

namespace Livebook.Core.LiveMarkdown;

/// <summary>Hashes of what a block means. Equal as long as nobody changed anything that its spelling in a file depends on.</summary>
internal static class Fingerprints
{
    public static string Of(Cell cell)
    {
        using var hash = new Hash();
        hash.Add(cell.Source).Add(cell.ExtraMetadata);
        if (cell is EvaluableCell code)
        {
            hash.Add(code.Language).Add(code.ReevaluateAutomatically ? "auto" : "").Add(code.OutputSize.ToString());
            if (cell is CodeCell { ContinueOnError: true })
                hash.Add("continue");
            if (cell is SmartCell smart)
                hash.Add("smart").Add(smart.SmartKind).Add(smart.Attributes).Add(smart.Chunks ?? "");
        }

        return hash.Done();
    }

    public static string Of(ImmutableArray<Output> outputs)
    {
        using var hash = new Hash();
        foreach (var output in outputs)
        {
            hash.Add(output.Kind.ToString()).Add(output.Data);
            if (output.Error is { } error)
                hash.Add(error.Type).Add(error.Message);
        }

        return hash.Done();
    }

    /// <param name="parentIndex">Index of the section it branches from.</param>
    public static string Of(Section section, int? parentIndex)
    {
        using var hash = new Hash();
        return hash.Add(section.Name).Add(FormattableString.Invariant($"{parentIndex}")).Add(section.ExtraMetadata).Done();
    }

    /// <summary>Of the notebook's own fields.</summary>
    public static string OfHead(Notebook notebook)
    {
        using var hash = new Hash();
        hash.Add(notebook.Name)
            .Add(notebook.PersistOutputs ? "persist" : "")
            .Add(FormattableString.Invariant($"{notebook.AutosaveSeconds}"))
            .Add(notebook.DefaultLanguage)
            .Add(notebook.ExtraMetadata);
        foreach (var comment in notebook.LeadingComments)
            hash.Add(comment);
        return hash.Done();
    }

    /// <summary>Of everything.</summary>
    public static string OfWhole(Notebook notebook)
    {
        using var hash = new Hash();
        hash.Add(OfHead(notebook));
        var index = new SectionIndex(notebook);
        foreach (var section in notebook.AllSections)
        {
            hash.Add(Of(section, index.ParentOf(section)));
            foreach (var cell in section.Cells)
            {
                hash.Add(cell.GetType().Name).Add(Of(cell));
                if (cell is EvaluableCell code)
                    hash.Add(Of(code.StoredOutputs));
            }
        }

        return hash.Done();
    }

    public static string OfBytes(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private sealed class Hash : IDisposable
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public Hash Add(string text)
        {
            Span<byte> length = stackalloc byte[4];
            System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(length, text.Length);
            _hash.AppendData(length);
            _hash.AppendData(Encoding.UTF8.GetBytes(text));
            return this;
        }

        public Hash Add(ImmutableSortedDictionary<string, string> values)
        {
            foreach (var (key, value) in values)
                Add(key).Add(value);
            return Add("");
        }

        // 120 bits: far more than an accident can hit, and short in the log.
        public string Done() => Convert.ToBase64String(_hash.GetHashAndReset().AsSpan(0, 15));

        public void Dispose() => _hash.Dispose();
    }
}

/// <summary>Positions of sections by id.</summary>
internal sealed class SectionIndex
{
    private readonly Dictionary<string, int> _positions = [];

    public SectionIndex(Notebook notebook)
    {
        for (var i = 0; i < notebook.Sections.Length; i++)
            _positions.TryAdd(notebook.Sections[i].Id, i);
    }

    /// <summary>Index of the section it branches from; null for a regular one.</summary>
    public int? ParentOf(Section section) => section.Parent is { } parent && _positions.TryGetValue(parent, out var index) ? index : null;
}
