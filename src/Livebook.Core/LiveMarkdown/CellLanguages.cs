using System.Collections.Frozen;
using Livebook.Core.Notebooks;

namespace Livebook.Core.LiveMarkdown;

/// <summary>Which fences are cells.</summary>
public static class CellLanguages
{
    /// <summary>Language of the second setup cell, which lists Python packages.</summary>
    public const string PyProject = "pyproject.toml";

    private static readonly FrozenSet<string> s_cells = FrozenSet.ToFrozenSet([
        "csharp",
        "fsharp",
        "python",
        "javascript",
        "sql",
        "powershell",
        "elixir",
        "erlang",
    ]);

    /// <summary>Whether a fence with this info string is a code cell without further notice. Other languages need a metadata comment; mermaid, say, is prose.</summary>
    public static bool AreCells(string language) => s_cells.Contains(language);

    /// <summary>Whether the language can stand in an info string and be read back.</summary>
    internal static bool IsOneWord(string language) =>
        language.Length > 0
        && char.IsAsciiLetterOrDigit(language[0])
        && language.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '+' or '#' or '.' or '-');

    /// <summary>Whether cells directly below the title, and nothing else in front of the first section, are the setup cells.</summary>
    internal static bool AreSetup(IReadOnlyList<Cell> cells) =>
        cells.Count is 1 or 2 && cells[0] is CodeCell { Language: "csharp" or "elixir" } && (cells.Count == 1 || cells[1] is CodeCell { Language: PyProject });

    /// <summary>Whether the setup section has anything that a file must hold.</summary>
    internal static bool HasSetup(Notebook notebook) =>
        notebook.Setup.Cells.Length > 1
        || notebook.Setup.Cells is not [CodeCell { Source: "", Language: "csharp", ReevaluateAutomatically: false, ContinueOnError: false } only]
        || only.OutputSize != OutputSize.Default
        || !only.ExtraMetadata.IsEmpty
        || (only.Origin is { } origin && origin.Fingerprint == Fingerprints.Of(only));

    /// <summary>A notebook's default language when the file does not name one: that of its cells if they have only one, else C#.</summary>
    internal static string Inferred(Notebook notebook)
    {
        string? language = null;
        foreach (var cell in notebook.Sections.SelectMany(section => section.Cells).Concat(HasSetup(notebook) ? notebook.Setup.Cells : []))
        {
            if (cell is not EvaluableCell code || code.Language == PyProject)
                continue;
            if (language is not null && language != code.Language)
                return "csharp";
            language = code.Language;
        }

        return language ?? "csharp";
    }
}
