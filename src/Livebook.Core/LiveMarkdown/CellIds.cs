using System.Security.Cryptography;
using System.Text;

namespace Livebook.Core.LiveMarkdown;

/// <summary>Ids for what a file does not name: the same file and seed give the same ids.</summary>
internal static class CellIds
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";

    /// <summary>16 lower-case letters and digits; 80 bits of SHA-256, so that they are unique within a notebook.</summary>
    public static string Of(string seed, string kind, int ordinal)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{kind}:{ordinal}:{seed}")), hash);
        Span<char> id = stackalloc char[16];
        for (var i = 0; i < id.Length; i++)
            id[i] = Alphabet[hash[i] & 31];
        return new(id);
    }

    /// <summary>Id of a setup cell: <c>setup</c>, then <c>setup-</c> and the language.</summary>
    public static string OfSetup(int index, string language, IReadOnlySet<string> taken)
    {
        if (index == 0)
            return Notebooks.Cell.SetupId;
        var id = $"{Notebooks.Cell.SetupId}-{language}";
        return taken.Contains(id) ? FormattableString.Invariant($"{id}-{index}") : id;
    }
}
