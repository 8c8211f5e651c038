using System.Text;

namespace Livebook.Web.Sessions;

/// <summary>What a downloaded notebook is called, without its extension (P7).</summary>
internal static class DownloadName
{
    private const string Standard = "untitled_notebook";

    /// <summary>The name of its file; else the notebook's name in lower case, without punctuation, words joined by underscores.</summary>
    public static string Of(string? file, string? name)
    {
        if (file is not null)
            return Path.GetFileNameWithoutExtension(file);
        var made = new StringBuilder();
        foreach (var c in (name ?? "").ToLowerInvariant())
        {
            if (char.IsLetterOrDigit(c))
                made.Append(c);
            else if (char.IsWhiteSpace(c) && made.Length > 0 && made[^1] != '_')
                made.Append('_');
        }
        return made.ToString().Trim('_') is { Length: > 0 } sound ? sound : Standard;
    }
}
