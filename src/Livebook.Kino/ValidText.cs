using System.Text;

namespace Livebook.Kino;

/// <summary>Text without lone surrogates, which no encoder could carry.</summary>
public static class ValidText
{
    /// <summary>The text itself, or a copy in which each lone surrogate is U+FFFD.</summary>
    public static string Of(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0)
            return text;
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            result.Append(rune.ToString());
        return result.ToString();
    }
}
