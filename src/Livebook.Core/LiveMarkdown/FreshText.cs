using System.Text;
using System.Text.Json;
using Livebook.Core.Notebooks;

namespace Livebook.Core.LiveMarkdown;

/// <summary>Blocks as we spell them, with <c>\n</c> line ends and no last one.</summary>
internal static class FreshText
{
    /// <summary>Between two markdown cells.</summary>
    public const string BreakComment = "<!-- livebook:{\"break_markdown\":true} -->";

    public static string Head(Notebook notebook)
    {
        var text = new StringBuilder();
        foreach (var comment in notebook.LeadingComments)
            text.Append(comment.Contains('\n') ? $"<!--\n{comment}\n-->" : $"<!-- {comment} -->").Append("\n\n");
        var values = With(notebook.ExtraMetadata);
        values.Set("persist_outputs", notebook.PersistOutputs);
        if (notebook.AutosaveSeconds != 5)
            values.Values["autosave_interval_s"] = notebook.AutosaveSeconds is { } seconds ? FormattableString.Invariant($"{seconds}") : "null";
        if (notebook.DefaultLanguage != CellLanguages.Inferred(notebook))
            values.Set("default_language", notebook.DefaultLanguage);
        return text.Append(Described(values, HeadingLine("#", notebook.Name))).ToString();
    }

    public static string Heading(Section section, int? parentIndex)
    {
        var values = With(section.ExtraMetadata);
        if (parentIndex is { } index)
            values.Values["branch_parent_index"] = FormattableString.Invariant($"{index}");
        return Described(values, HeadingLine("##", section.Name));
    }

    public static string Markdown(MarkdownCell cell, bool afterMarkdown)
    {
        var written = MarkdownSource.Of(FileText.WithLineFeeds(cell.Source));
        var values = With(cell.ExtraMetadata);
        values.Set("break_markdown", afterMarkdown);
        if (!written.IsExact)
            values.Set("markdown_source", Base64(cell.Source));
        return written.Text.Length == 0 ? values.Comment() : Described(values, written.Text);
    }

    /// <param name="isSetup">It stands in the setup section.</param>
    /// <param name="isMarked">It must be marked as a setup cell.</param>
    public static string Code(EvaluableCell cell, bool isSetup, bool isMarked)
    {
        var values = With(cell.ExtraMetadata);
        values.Set("reevaluate_automatically", cell.ReevaluateAutomatically);
        values.Set("setup", isMarked);
        if (cell.OutputSize != OutputSize.Default)
            values.Set("output_size", cell.OutputSize == OutputSize.Wide ? "wide" : "full");
        if (cell is CodeCell { ContinueOnError: true })
            values.Set("continue_on_error", true);
        if (cell is SmartCell smart)
        {
            values.Set("livebook_object", "smart_cell");
            values.Set("kind", smart.SmartKind);
            values.Values["attrs"] = IsObject(smart.Attributes) ? Metadata.JsonOf(Base64(smart.Attributes)) : smart.Attributes;
            values.Values["chunks"] = smart.Chunks ?? "null";
        }

        var info = CellLanguages.IsOneWord(cell.Language) ? cell.Language : "";
        var needsNoComment = CellLanguages.AreCells(cell.Language) || (cell is SmartCell && info.Length > 0) || (isSetup && !isMarked);
        if (!needsNoComment)
            values.Set("cell_language", cell.Language);
        if (needsNoComment && values.Values.TryGetValue("fence_info", out var raw) && Metadata.TextOf(raw) is { } rest && IsPlainInfo(rest))
        {
            values.Values.Remove("fence_info");
            info += " " + rest;
        }

        return Described(values, OutputFences.Fence(info, FileText.WithLineFeeds(cell.Source)));
    }

    private static bool IsPlainInfo(string info) => info.Length > 0 && info.Trim(' ', '\t') == info && info.AsSpan().IndexOfAny('`', '\n', '\r') < 0;

    private static string HeadingLine(string mark, string typed)
    {
        var name = Names.Collapse(typed);
        // A last # would count as the heading's own end mark.
        return name.EndsWith('#') ? $"{mark} {name} {mark}" : $"{mark} {name}";
    }

    private static Metadata With(IEnumerable<KeyValuePair<string, string>> extra)
    {
        var values = new Metadata();
        foreach (var (key, value) in extra)
            values.Values[key] = value;
        return values;
    }

    private static string Described(Metadata values, string text) => values.Comment() is { Length: > 0 } comment ? $"{comment}\n\n{text}" : text;

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text)).TrimEnd('=');

    private static bool IsObject(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
