using System.Collections.Immutable;

namespace Livebook.Kino;

/// <summary>Markup that is shown as HTML.</summary>
public sealed record HtmlContent(string Html) : IDisplayable
{
    public ImmutableSortedDictionary<string, string> ToMimeBundle() => MimeBundle.Of("text/html", Html, Html);

    public override string ToString() => Html;
}

/// <summary>Text that is shown as Markdown.</summary>
public sealed record MarkdownContent(string Text) : IDisplayable
{
    public ImmutableSortedDictionary<string, string> ToMimeBundle() => MimeBundle.Of("text/markdown", Text, Text);

    public override string ToString() => Text;
}

/// <summary>A picture: bytes of a raster image, e.g. <c>image/png</c>, or UTF-8 markup for <c>image/svg+xml</c>.</summary>
public sealed record ImageContent(byte[] Bytes, string MimeType = "image/png") : IDisplayable
{
    public ImmutableSortedDictionary<string, string> ToMimeBundle() =>
        MimeBundle.Of(
            MimeType,
            MimeType == "image/svg+xml" ? System.Text.Encoding.UTF8.GetString(Bytes) : Convert.ToBase64String(Bytes),
            $"<{MimeType}, {Bytes.Length} bytes>"
        );

    public override string ToString() => $"<{MimeType}, {Bytes.Length} bytes>";
}
