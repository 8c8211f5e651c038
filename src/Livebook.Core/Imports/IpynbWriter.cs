using System.Text.Encodings.Web;
using System.Text.Json;
using Livebook.Core.LiveMarkdown;
using Livebook.Core.Notebooks;

namespace Livebook.Core.Imports;

/// <summary>Writes Jupyter notebooks (nbformat 4.5) in the manner of .NET Interactive, outputs included.</summary>
public static class IpynbWriter
{
    public static byte[] WriteBytes(Notebook notebook)
    {
        using var stream = new MemoryStream();
        var options = new JsonWriterOptions
        {
            Indented = true,
            IndentSize = 1,
            NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        using (var json = new Utf8JsonWriter(stream, options))
        {
            json.WriteStartObject();
            json.WriteStartArray("cells");
            Heading(json, "livebook-title", "title", "# " + notebook.Name);
            if (CellLanguages.HasSetup(notebook))
            {
                foreach (var cell in notebook.Setup.Cells)
                    Cell(json, cell, "setup");
            }

            foreach (var section in notebook.Sections)
            {
                Heading(json, "section-" + section.Id, "section", "## " + section.Name);
                foreach (var cell in section.Cells)
                    Cell(json, cell, "cell");
            }

            json.WriteEndArray();
            Metadata(json, notebook.DefaultLanguage);
            json.WriteNumber("nbformat", 4);
            json.WriteNumber("nbformat_minor", 5);
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    private static void Heading(Utf8JsonWriter json, string id, string kind, string text)
    {
        json.WriteStartObject();
        json.WriteString("cell_type", "markdown");
        WriteId(json, id);
        WriteMetadata(json, kind, null);
        json.WriteLines("source", text.EndsWith('#') ? text + " #" : text);
        json.WriteEndObject();
    }

    private static void Cell(Utf8JsonWriter json, Cell cell, string kind)
    {
        var code = cell as EvaluableCell;
        json.WriteStartObject();
        json.WriteString("cell_type", code is null ? "markdown" : "code");
        if (code is not null)
            json.WriteNull("execution_count");
        WriteId(json, cell.Id);
        WriteMetadata(json, kind, code?.Language);
        if (code is not null)
        {
            json.WriteStartArray("outputs");
            foreach (var output in code.StoredOutputs)
                IpynbOutputs.Write(json, output);
            json.WriteEndArray();
        }

        json.WriteLines("source", cell.Source);
        json.WriteEndObject();
    }

    // Ids of the format are at most 64 letters, digits, - and _; the setup cells' may hold a dot.
    private static void WriteId(Utf8JsonWriter json, string id)
    {
        var valid = string.Concat(id.Take(64).Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' ? c : '-'));
        json.WriteString("id", valid.Length == 0 ? "cell" : valid);
    }

    private static void WriteMetadata(Utf8JsonWriter json, string kind, string? language)
    {
        json.WriteStartObject("metadata");
        if (language is not null)
        {
            json.WriteStartObject("dotnet_interactive");
            json.WriteString("language", KernelNames.Theirs(language));
            json.WriteEndObject();
        }

        json.WriteStartObject("livebook");
        json.WriteString("kind", kind);
        json.WriteEndObject();
        if (language is not null)
        {
            json.WriteStartObject("polyglot_notebook");
            json.WriteString("kernelName", KernelNames.Theirs(language));
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void Metadata(Utf8JsonWriter json, string language)
    {
        var (kernel, name, extension) = language switch
        {
            "fsharp" => (".net-fsharp", "F#", ".fs"),
            "powershell" => (".net-pwsh", "PowerShell", ".ps1"),
            _ => (".net-csharp", "C#", ".cs"),
        };
        json.WriteStartObject("metadata");
        json.WriteStartObject("kernelspec");
        json.WriteString("display_name", $".NET ({name})");
        json.WriteString("language", name);
        json.WriteString("name", kernel);
        json.WriteEndObject();
        json.WriteStartObject("language_info");
        json.WriteString("file_extension", extension);
        json.WriteString("name", name);
        json.WriteEndObject();
        json.WriteStartObject("polyglot_notebook");
        json.WriteStartObject("kernelInfo");
        json.WriteString("defaultKernelName", KernelNames.Theirs(language));
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
