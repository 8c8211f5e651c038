using System.Text;
using System.Text.RegularExpressions;
using Livebook.Protocol;

namespace Livebook.Core.LiveMarkdown;

/// <summary>Outputs as a file holds them: what a person could read in a terminal.</summary>
internal static partial class OutputFences
{
    /// <summary>In front of the fence of each output.</summary>
    public const string Comment = "<!-- livebook:{\"output\":true} -->";

    /// <summary>The output's text without escape codes and one last line end; empty when it has no text of its own (pictures, pages).</summary>
    public static string TextOf(Output output)
    {
        var text = output.Data.GetValueOrDefault("text/plain", "");
        if (text.Length == 0 && output.Error is { } error)
            text = $"{error.Type}: {error.Message}";
        if (output.Kind == OutputKind.Display && output.Data.Count > 1)
            return "";
        text = FileText.WithLineFeeds(WithoutEscapeCodes(text));
        return text.EndsWith('\n') ? text[..^1] : text;
    }

    public static string WithoutEscapeCodes(string text) => EscapeCodes().Replace(text, "");

    /// <summary>A fence longer than any run of backticks inside.</summary>
    public static string Fence(string info, string content)
    {
        var longest = 2;
        for (var i = 0; i < content.Length; )
        {
            if (content[i] != '`')
            {
                i++;
                continue;
            }

            var run = LineRules.Run(content.AsSpan(i), '`');
            longest = Math.Max(longest, run);
            i += run;
        }

        var mark = new string('`', longest + 1);
        return new StringBuilder(content.Length + info.Length + 2 * mark.Length + 2)
            .Append(mark)
            .Append(info)
            .Append('\n')
            .Append(content)
            .Append('\n')
            .Append(mark)
            .ToString();
    }

    [GeneratedRegex(@"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])", RegexOptions.CultureInvariant)]
    private static partial Regex EscapeCodes();
}
