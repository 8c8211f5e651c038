using System.Text;
using System.Text.Unicode;

namespace Livebook.Core.LiveMarkdown;

/// <summary>The characters of a file. Bytes that are not UTF-8 become one character each, so that every one can be written back.</summary>
internal sealed class FileText
{
    private int _counted;
    private int _line = 1;

    public FileText(ReadOnlySpan<byte> bytes)
    {
        IsBytes = !Utf8.IsValid(bytes);
        Text = IsBytes ? Encoding.Latin1.GetString(bytes) : Encoding.UTF8.GetString(bytes);
    }

    public string Text { get; }

    public bool IsBytes { get; }

    /// <summary>What a person reads there: line ends are <c>\n</c>, bytes that are no text U+FFFD.</summary>
    public string Read(int start, int end)
    {
        var text = Text.AsSpan(start..end);
        if (IsBytes)
        {
            var bytes = new byte[text.Length];
            Encoding.Latin1.GetBytes(text, bytes);
            return WithLineFeeds(Encoding.UTF8.GetString(bytes));
        }

        return WithLineFeeds(text.ToString());
    }

    public static string WithLineFeeds(string text) => text.Contains('\r') ? text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n') : text;

    /// <summary>1-based number of the line at an offset; ask for growing offsets.</summary>
    public int LineOf(int offset)
    {
        while (_counted < offset)
        {
            var line = Line.At(Text, _counted);
            if (line.Next > offset)
                break;
            _counted = line.Next;
            _line++;
        }

        return _line;
    }
}
