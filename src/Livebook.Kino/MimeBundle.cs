using System.Collections.Immutable;

namespace Livebook.Kino;

/// <summary>Turns values into what a page can show.</summary>
public static class MimeBundle
{
    /// <summary>Longest total of a bundle's values, in characters; a longer one is replaced by a note.</summary>
    public const int MaximumCharacters = 8 * 1024 * 1024;

    /// <summary>A bundle of one MIME type beside plain text.</summary>
    public static ImmutableSortedDictionary<string, string> Of(string mimeType, string value, string plainText) =>
        ImmutableSortedDictionary<string, string>.Empty.SetItem("text/plain", plainText).SetItem(mimeType, value);

    /// <summary>The bundle of any value: its own if it is <see cref="IDisplayable"/>, else plain text, for scalars coloured too.</summary>
    public static ImmutableSortedDictionary<string, string> Of(object? value)
    {
        var bundle =
            value is IDisplayable displayable ? displayable.ToMimeBundle()
            : PlainText.Colored(value) is { } colored ? Of("text/x-ansi", colored, PlainText.Format(value))
            : ImmutableSortedDictionary<string, string>.Empty;
        if (!bundle.ContainsKey("text/plain"))
            bundle = bundle.Add("text/plain", PlainText.Format(value));
        if (bundle.Values.Sum(part => (long)part.Length) > MaximumCharacters)
            bundle = ImmutableSortedDictionary<string, string>.Empty.Add(
                "text/plain",
                $"<{value?.GetType().Name}: too large to show, the limit is {MaximumCharacters / (1024 * 1024)} million characters>"
            );
        return bundle.ToImmutableSortedDictionary(part => part.Key, part => ValidText.Of(part.Value));
    }
}
