using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Livebook.Core.Json;
using Livebook.Core.Wire;

namespace Livebook.Core.Views;

/// <summary>
/// What happened between two views, for programs: server-sent events (the HTML standard, 9.2) <c>notebook</c>, <c>cell</c>, <c>cell_deleted</c>, <c>text</c>,
/// <c>evaluation</c>, <c>outputs_cleared</c>, <c>output</c>, <c>runtime</c>, <c>file</c> and <c>files</c>, each with JSON. Only the last one of a step
/// carries its version as <c>id</c>, so whoever resumes behind an id has missed no part of a step.
/// </summary>
public static class SessionEvents
{
    /// <summary>Characters of a text that is sent whole at most; longer ones are to be read by the API.</summary>
    private const int SourceCharacters = 64 * 1024;

    /// <summary>The events of one step; empty when nothing happened that programs see.</summary>
    /// <param name="version">The version behind the step.</param>
    public static byte[] Between(SessionView before, SessionView after, ImmutableArray<StreamEntry> text, long version)
    {
        var events = new List<(string Name, JsonNode Data)>();
        if (before.Name != after.Name || before.SectionOrder != after.SectionOrder || !ReferenceEquals(before.Sections, after.Sections))
            events.Add(("notebook", NotebookOf(after)));
        AddCells(events, before, after);
        foreach (var entry in text)
        {
            if (TextOf(entry) is { } change)
                events.Add(("text", change));
        }
        if (!ReferenceEquals(before.Cells, after.Cells))
            AddOutputs(events, before, after);
        if (before.Runtime.Status != after.Runtime.Status || before.Runtime.Node != after.Runtime.Node)
            events.Add(("runtime", new JsonObject { ["status"] = after.Runtime.Status, ["node"] = after.Runtime.Node }));
        if (before.File != after.File)
            events.Add(
                (
                    "file",
                    new JsonObject
                    {
                        ["state"] = after.File.State,
                        ["node"] = after.File.Node,
                        ["path"] = after.File.Path,
                    }
                )
            );
        if (!ReferenceEquals(before.FileEntries, after.FileEntries))
            events.Add(("files", FilesOf(after)));
        return Written(events, version);
    }

    /// <summary>One event by itself.</summary>
    public static byte[] Of(string name, JsonObject data, long? version) => Written([(name, data)], version);

    private static byte[] Written(List<(string Name, JsonNode Data)> events, long? version)
    {
        var written = new StringBuilder();
        for (var i = 0; i < events.Count; i++)
        {
            written.Append("event: ").Append(events[i].Name).Append('\n');
            if (i == events.Count - 1 && version is { } number)
                written.Append("id: ").Append(System.Globalization.CultureInfo.InvariantCulture, $"{number}").Append('\n');
            // JSON holds no line ends.
            written.Append("data: ").Append(events[i].Data.ToJsonString()).Append("\n\n");
        }
        return Encoding.UTF8.GetBytes(written.ToString());
    }

    private static JsonObject NotebookOf(SessionView view) =>
        new()
        {
            ["name"] = view.Name,
            ["sections"] = new JsonArray([
                .. view.SectionOrder.Select(id => new JsonObject
                {
                    ["id"] = id,
                    ["name"] = view.Sections[id].Name,
                    ["parent"] = view.Sections[id].Parent,
                    ["cells"] = new JsonArray([.. view.Sections[id].Cells.Select(cell => JsonValue.Create(cell))]),
                }),
            ]),
        };

    private static void AddCells(List<(string, JsonNode)> events, SessionView before, SessionView after)
    {
        if (ReferenceEquals(before.Cells, after.Cells))
            return;
        foreach (var (id, cell) in after.Cells)
        {
            var old = before.Cells.GetValueOrDefault(id);
            if (ReferenceEquals(old, cell) || (old is not null && old.Kind == cell.Kind && old.Section == cell.Section && old.Language == cell.Language))
                continue;
            var data = new JsonObject
            {
                ["id"] = id,
                ["section"] = cell.Section,
                ["kind"] = cell.Kind,
            };
            if (cell.Language is { } language)
                data["language"] = language;
            events.Add(("cell", data));
        }
        foreach (var id in before.Cells.Keys.Where(id => !after.Cells.ContainsKey(id)))
            events.Add(("cell_deleted", new JsonObject { ["id"] = id }));
    }

    private static JsonObject? TextOf(StreamEntry entry) =>
        entry switch
        {
            StreamEntry.TextChanged(var cell, _, var changes) => new JsonObject
            {
                ["cell"] = cell,
                ["changes"] = JsonSerializer.SerializeToNode(changes, WireJson.Default.ChangeSet),
            },
            StreamEntry.TextReplaced(var cell, var revision, var source) => new JsonObject
            {
                ["cell"] = cell,
                ["revision"] = revision,
                ["length"] = source.Length,
                ["source"] = source.Length > SourceCharacters ? null : Sound(source),
            },
            _ => null,
        };

    private static void AddOutputs(List<(string, JsonNode)> events, SessionView before, SessionView after)
    {
        foreach (var (id, cell) in after.Cells)
        {
            var old = before.Cells.GetValueOrDefault(id);
            if (ReferenceEquals(old, cell) || cell.Language is null)
                continue;
            if (old?.OutputOrder.Any(output => !cell.Outputs.ContainsKey(output)) == true)
                events.Add(
                    (
                        "outputs_cleared",
                        new JsonObject
                        {
                            ["cell"] = id,
                            ["kept"] = new JsonArray([.. cell.OutputOrder.Where(old.Outputs.ContainsKey).Select(output => JsonValue.Create(output))]),
                        }
                    )
                );
            foreach (var output in cell.OutputOrder)
            {
                var was = old?.Outputs.GetValueOrDefault(output);
                if (!ReferenceEquals(was, cell.Outputs[output]) && OutputOf(id, output, was, cell.Outputs[output]) is { } data)
                    events.Add(("output", data));
            }
            if (
                old is null
                || old.Status != cell.Status
                || old.Validity != cell.Validity
                || old.Errored != cell.Errored
                || old.Evaluations != cell.Evaluations
                || old.DurationMs != cell.DurationMs
            )
                events.Add(("evaluation", EvaluationOf(id, cell)));
        }
    }

    private static JsonObject EvaluationOf(string id, CellView cell) =>
        new()
        {
            ["cell"] = id,
            ["status"] = cell.Status,
            ["validity"] = cell.Validity,
            ["errored"] = cell.Errored,
            ["evaluations"] = cell.Evaluations,
            ["durationMs"] = cell.DurationMs,
        };

    /// <summary>A new output, or what was added to a stream; null when nothing was.</summary>
    private static JsonObject? OutputOf(string cell, string id, OutputView? before, OutputView output)
    {
        var data = new JsonObject
        {
            ["cell"] = cell,
            ["id"] = id,
            ["kind"] = output.Kind.ToString().ToLowerInvariant(),
        };
        if (output.Chunks is { } chunks)
        {
            var dropped = 0;
            var goesOn = before?.Chunks is { } old && ((IAppendLog)chunks).Continues(old, out dropped);
            var from = goesOn ? before!.Chunks!.Count - dropped : 0;
            if (goesOn && from == chunks.Count)
                return null;
            data[goesOn ? "append" : "text"] = Sound(string.Concat(chunks.Skip(from)));
            return data;
        }
        var values = new JsonObject();
        foreach (var (mimeType, value) in output.Data ?? ImmutableSortedDictionary<string, OutputData>.Empty)
            values[mimeType] = value.Value is { } inline ? Sound(inline) : new JsonObject { ["hash"] = value.Hash, ["size"] = value.Size };
        data["data"] = values;
        if (output.Error is { } error)
            data["error"] = new JsonObject
            {
                ["type"] = error.Type,
                ["message"] = Sound(error.Message),
                ["line"] = error.Line,
            };
        return data;
    }

    private static JsonObject FilesOf(SessionView view) =>
        new()
        {
            ["files"] = new JsonArray([
                .. view
                    .FileEntries.OrderBy(entry => entry.Key, StringComparer.Ordinal)
                    .Select(entry => new JsonObject
                    {
                        ["name"] = entry.Key,
                        ["kind"] = entry.Value.Kind,
                        ["size"] = entry.Value.Size,
                        ["hash"] = entry.Value.Hash,
                    }),
            ]),
        };

    /// <summary>JSON cannot carry half a surrogate pair.</summary>
    private static string Sound(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}
