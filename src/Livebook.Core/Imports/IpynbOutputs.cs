using System.Collections.Immutable;
using System.Text.Json;
using Livebook.Core.LiveMarkdown;
using Livebook.Protocol;

namespace Livebook.Core.Imports;

/// <summary>Outputs of Jupyter's kind, both ways.</summary>
internal static class IpynbOutputs
{
    /// <summary>The output; null if it is of an unknown kind.</summary>
    public static Output? Read(JsonElement output) =>
        output.TextOf("output_type") switch
        {
            "stream" => Output.Text(output.TextOf("name") == "stderr" ? OutputKind.Stderr : OutputKind.Stdout, output.Joined("text")),
            "execute_result" => new(OutputKind.Result, Bundle(output)),
            "display_data" or "update_display_data" => new(OutputKind.Display, Bundle(output)),
            "error" => Error(output),
            _ => null,
        };

    private static ImmutableSortedDictionary<string, string> Bundle(JsonElement output)
    {
        var data = ImmutableSortedDictionary.CreateBuilder<string, string>();
        data["text/plain"] = "";
        if (output.TryGetProperty("data", out var bundle) && bundle.ValueKind == JsonValueKind.Object)
        {
            foreach (var entry in bundle.EnumerateObject())
                data[entry.Name] = entry.Value.Joined() ?? entry.Value.GetRawText();
        }

        return data.ToImmutable();
    }

    private static Output Error(JsonElement output)
    {
        var (type, message) = (output.TextOf("ename") ?? "Error", output.TextOf("evalue") ?? "");
        var coloured =
            output.TryGetProperty("traceback", out var trace) && trace.ValueKind == JsonValueKind.Array
                ? string.Join('\n', trace.EnumerateArray().Select(line => line.Joined() ?? ""))
                : "";
        var plain = coloured.Length == 0 ? $"{type}: {message}" : OutputFences.WithoutEscapeCodes(coloured);
        var result = Output.Text(OutputKind.Error, plain) with { Error = new(type, message, null, []) };
        return plain == coloured || coloured.Length == 0 ? result : result with { Data = result.Data.Add("text/x-ansi", coloured) };
    }

    public static void Write(Utf8JsonWriter json, Output output)
    {
        json.WriteStartObject();
        switch (output.Kind)
        {
            case OutputKind.Stdout or OutputKind.Stderr or OutputKind.Warning:
                json.WriteString("name", output.Kind == OutputKind.Stdout ? "stdout" : "stderr");
                json.WriteString("output_type", "stream");
                json.WriteLines("text", output.Data.GetValueOrDefault("text/plain", ""));
                break;
            case OutputKind.Error:
                json.WriteString("ename", JsonText.Valid(output.Error?.Type ?? "Error"));
                json.WriteString("evalue", JsonText.Valid(output.Error?.Message ?? ""));
                json.WriteString("output_type", "error");
                json.WriteStartArray("traceback");
                var trace = output.Data.GetValueOrDefault("text/x-ansi") ?? output.Data.GetValueOrDefault("text/plain", "");
                foreach (var line in trace.Split('\n'))
                    json.WriteStringValue(JsonText.Valid(line));
                json.WriteEndArray();
                break;
            default:
                json.WriteStartObject("data");
                foreach (var (type, value) in output.Data)
                    WriteData(json, type, value);
                json.WriteEndObject();
                if (output.Kind == OutputKind.Result)
                    json.WriteNull("execution_count");
                json.WriteStartObject("metadata");
                json.WriteEndObject();
                json.WriteString("output_type", output.Kind == OutputKind.Result ? "execute_result" : "display_data");
                break;
        }

        json.WriteEndObject();
    }

    private static void WriteData(Utf8JsonWriter json, string type, string value)
    {
        if (type.EndsWith("json", StringComparison.Ordinal) && JsonText.IsJson(value))
        {
            json.WritePropertyName(type);
            json.WriteRawValue(value);
        }
        else if (type.StartsWith("text/", StringComparison.Ordinal) || type == "image/svg+xml")
        {
            json.WriteLines(type, value);
        }
        else
        {
            json.WriteString(type, JsonText.Valid(value));
        }
    }
}
