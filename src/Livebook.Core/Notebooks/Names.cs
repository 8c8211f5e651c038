using System.Text;

namespace Livebook.Core.Notebooks;

/// <summary>Names as they are stored (M12): trimmed, one line, runs of whitespace collapsed to one space.</summary>
public static class Names
{
    /// <summary>Name of a notebook whose author emptied it.</summary>
    public const string Untitled = "Untitled";

    /// <summary>A notebook's name.</summary>
    public static string OfNotebook(string typed) => Collapse(typed) is { Length: > 0 } name ? name : Untitled;

    /// <summary>A section's name.</summary>
    public static string OfSection(string typed) => Collapse(typed) is { Length: > 0 } name ? name : Section.DefaultName;

    /// <summary>Trims and collapses whitespace; other control characters count as whitespace.</summary>
    public static string Collapse(string typed)
    {
        var name = new StringBuilder(typed.Length);
        var gap = false;
        foreach (var c in typed)
        {
            if (char.IsWhiteSpace(c) || char.IsControl(c))
            {
                gap = name.Length > 0;
                continue;
            }

            if (gap)
                name.Append(' ');
            gap = false;
            name.Append(c);
        }

        return name.ToString();
    }
}
