using Livebook.Core.LiveMarkdown;

namespace Livebook.Core.Imports;

/// <summary>A part of a cell in one language.</summary>
/// <param name="Language">Our name, or <see cref="KernelNames.Markdown"/>.</param>
internal sealed record CellPart(string Language, string Source);

/// <summary>Cuts a cell of .NET Interactive where a magic command switches the language.</summary>
internal static class MagicSplit
{
    /// <param name="warn">Gets 1-based lines and commands that are kept but mean nothing here.</param>
    public static List<CellPart> Split(string source, string language, Action<int, string> warn)
    {
        var parts = new List<CellPart>();
        var lines = new List<string>();
        var number = 0;
        foreach (var line in source.Split('\n'))
        {
            number++;
            if (Magic(line) is not { } magic)
            {
                lines.Add(line);
                continue;
            }

            if (KernelNames.OfMagic(magic) is not { } next)
            {
                warn(number, line.Trim());
                lines.Add(line);
                continue;
            }

            Finish();
            language = next;
            // A command with arguments says more than the language.
            if (line.Trim().Length > magic.Length + 2)
            {
                warn(number, line.Trim());
                lines.Add(line);
            }
        }

        Finish();
        if (parts.Count == 0)
            parts.Add(new(language, ""));
        return parts;

        void Finish()
        {
            if (lines.Any(line => !string.IsNullOrWhiteSpace(line)))
                parts.Add(new(language, string.Join('\n', parts.Count == 0 && number == lines.Count ? lines : Trimmed(lines))));
            lines.Clear();
        }
    }

    /// <summary>The name of the command that the line is; null if it is none.</summary>
    private static string? Magic(string line)
    {
        if (!line.StartsWith("#!", StringComparison.Ordinal))
            return null;
        var name = MarkdownSource.FirstWord(line.AsSpan(2).TrimEnd()).ToString();
        return name.Length > 0 && (char.IsAsciiLetter(name[0])) ? name : null;
    }

    private static IEnumerable<string> Trimmed(List<string> lines)
    {
        var first = lines.FindIndex(line => !string.IsNullOrWhiteSpace(line));
        var last = lines.FindLastIndex(line => !string.IsNullOrWhiteSpace(line));
        return lines.GetRange(first, last - first + 1);
    }
}
