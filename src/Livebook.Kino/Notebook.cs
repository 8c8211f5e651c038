using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Livebook.Kino.Hosting;
using Livebook.Protocol;

namespace Livebook.Kino;

/// <summary>What every cell can call by its simple name.</summary>
[SuppressMessage("Naming", "CA1708", Justification = "Both spellings are in use in notebooks.")]
public static class Notebook
{
    /// <summary>Cancelled when the running cell is stopped, evaluated again or deleted. Never cancelled outside of cells.</summary>
    public static CancellationToken Stopping => CellRun.Current?.Stopping ?? CancellationToken.None;

    /// <summary>The secrets that this notebook may use: <c>Secrets["NAME"]</c>.</summary>
    public static SecretReader Secrets { get; } = new();

    /// <summary>Shows a value at once, while the cell goes on.</summary>
    /// <param name="mimeType">With it the value's text is shown as that type, e.g. <c>text/html</c>.</param>
    public static DisplayedValue display(object? value, string? mimeType = null)
    {
        var data = mimeType is null ? MimeBundle.Of(value) : MimeBundle.Of(new Typed(PlainText.Format(value), mimeType));
        if (CellRun.Current is { } run)
            run.Produce(new Output(OutputKind.Display, data));
        else
            Console.WriteLine(data["text/plain"]);
        return new DisplayedValue();
    }

    /// <summary>Shows a value at once, while the cell goes on.</summary>
    public static DisplayedValue Display<T>(this T value, string? mimeType = null) => display(value, mimeType);

    /// <summary>Markup to be shown as HTML.</summary>
    public static HtmlContent HTML(string html) => new(html);

    /// <summary>Text to be shown as Markdown.</summary>
    public static MarkdownContent Markdown(string text) => new(text);

    private sealed record Typed(string Value, string MimeType) : IDisplayable
    {
        public ImmutableSortedDictionary<string, string> ToMimeBundle() => MimeBundle.Of(MimeType, Value, Value);
    }
}
