using System.Text;
using Livebook.Core.LiveMarkdown;
using Livebook.Core.Notebooks;
using Livebook.Protocol;

namespace Livebook.Core.Tests.LiveMarkdown;

/// <summary>Notebooks and files for the tests of formats.</summary>
internal static class SampleFiles
{
    /// <summary>The repository's samples and, where they are, the shared real files.</summary>
    public static IEnumerable<string> All(string extension)
    {
        var root = Root();
        var shared = Environment.GetEnvironmentVariable("LIVEBOOK_SHARED_DATA") ?? Path.Combine(root, "..", "shared", "data");
        return new[] { Path.Combine(root, "samples"), shared }
            .Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*" + extension, SearchOption.AllDirectories))
            .Order(StringComparer.Ordinal);
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Livebook.slnx")))
            folder = folder.Parent ?? throw new InvalidOperationException("The tests run outside the repository.");
        return folder.FullName;
    }
}

internal static class Describing
{
    /// <summary>What a notebook means, ids and spelling aside, in a form that can be compared and read.</summary>
    public static string Describe(this Notebook notebook)
    {
        var text = new StringBuilder();
        text.AppendLine($"name={notebook.Name} persist={notebook.PersistOutputs} save={notebook.AutosaveSeconds} lang={notebook.DefaultLanguage}");
        text.AppendLine($"extra={Describe(notebook.ExtraMetadata)} comments={string.Join('|', notebook.LeadingComments)}");
        var ids = notebook.Sections.Select(section => section.Id).ToList();
        foreach (var section in notebook.AllSections)
        {
            text.AppendLine($"section {section.Name} parent={(section.Parent is null ? -1 : ids.IndexOf(section.Parent))} {Describe(section.ExtraMetadata)}");
            foreach (var cell in section.Cells)
            {
                text.Append($"  {cell.GetType().Name} {Describe(cell.ExtraMetadata)} ");
                if (cell is EvaluableCell code)
                    text.Append(
                        $"{code.Language} auto={code.ReevaluateAutomatically} {code.OutputSize} continue={cell is CodeCell { ContinueOnError: true }} "
                    );
                if (cell is SmartCell smart)
                    text.Append($"{smart.SmartKind} {smart.Attributes} {smart.Chunks} ");
                text.AppendLine($"<<{cell.Source.Replace("\n", "⏎\n", StringComparison.Ordinal)}>>");
                if (cell is EvaluableCell { StoredOutputs: var outputs })
                {
                    // As a file holds them: without escape codes, and the line ends at their end vary.
                    foreach (var output in outputs.Select(output => OutputFences.TextOf(output).TrimEnd('\n')).Where(output => output.Length > 0))
                        text.AppendLine($"    [{output}]");
                }
            }
        }

        return text.ToString();
    }

    public static Notebook Reread(this Notebook notebook) => LiveMarkdownReader.Read(LiveMarkdownWriter.WriteBytes(notebook), "again").Notebook;

    private static string Describe(IEnumerable<KeyValuePair<string, string>> values) => string.Join(',', values.Select(value => $"{value.Key}:{value.Value}"));

    public static Output Printed(string text) => Output.Text(OutputKind.Stdout, text);
}
