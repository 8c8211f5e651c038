using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Livebook.Core.Imports;
using Livebook.Core.LiveMarkdown;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Core.Views;
using Livebook.Protocol;
using Livebook.Server.Attachments;

namespace Livebook.Server.Sessions;

/// <summary>
/// What the API and pages read of a session, made at its owner. Questions: <c>session</c>, <c>file</c>, <c>attachments</c>, <c>notebook</c> (<c>format</c>, <c>outputs</c>),
/// <c>cell</c> (<c>cell</c>), <c>evaluations</c> (<c>cells</c>, separated by commas; empty = all), <c>busy</c> (<c>cells</c>), <c>blob</c> (<c>hash</c>),
/// <c>secrets</c> (those of the session as they are kept: encrypted).
/// </summary>
internal static class SessionQueries
{
    private const string Json = "application/json";

    public static QueryReply Answer(SessionActor actor, SessionRequest.Query query)
    {
        var state = actor.State;
        return query.What switch
        {
            "session" => Reply(state, SessionOf(actor)),
            "file" => Reply(state, FileOf(state)),
            "attachments" => new QueryReply(Json, state.Version, AttachmentsOf(state)),
            "notebook" => NotebookOf(state, query.Parameters),
            "cell" => CellOf(state, query.Parameters["cell"]) is { } cell ? Reply(state, cell) : Missing(state, "There is no such cell."),
            "evaluations" => Reply(state, EvaluationsOf(state, Ids(query.Parameters))),
            "secrets" => Reply(state, SecretsOf(state)),
            "busy" => new QueryReply(
                "text/plain",
                state.Version,
                [Ids(query.Parameters).Any(id => state.StateOf(id).Status != CellStatus.Ready) ? (byte)'1' : (byte)'0']
            ),
            "blob" => SessionProjection.Blob(state, query.Parameters["hash"]) is var (mimeType, value)
                ? new QueryReply(mimeType, state.Version, BytesOf(mimeType, value))
                : Missing(state, "There is no such output any more."),
            _ => Missing(state, $"no question {query.What} is known"),
        };
    }

    private static QueryReply Reply(SessionState state, JsonNode body) => new(Json, state.Version, Encoding.UTF8.GetBytes(body.ToJsonString()));

    private static QueryReply Missing(SessionState state, string reason) => new(null, state.Version, Encoding.UTF8.GetBytes(reason));

    private static string[] Ids(ImmutableDictionary<string, string> parameters) => parameters["cells"].Split(',', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Text types hold themselves, other types base64.</summary>
    private static byte[] BytesOf(string mimeType, string value)
    {
        var text =
            mimeType.StartsWith("text/", StringComparison.Ordinal)
            || mimeType.EndsWith("json", StringComparison.Ordinal)
            || mimeType.EndsWith("+xml", StringComparison.Ordinal);
        if (text)
            return Encoding.UTF8.GetBytes(value);
        try
        {
            return Convert.FromBase64String(value);
        }
        catch (FormatException)
        {
            return Encoding.UTF8.GetBytes(value);
        }
    }

    private static JsonObject SessionOf(SessionActor actor)
    {
        var state = actor.State;
        var summary = actor.Summary();
        return new JsonObject
        {
            ["id"] = state.Id,
            ["name"] = state.Notebook.Name,
            ["file"] = state.File.Path,
            ["node"] = summary.Node,
            ["standby"] = actor.Standby,
            ["epoch"] = actor.Epoch,
            ["version"] = state.Version,
            ["clients"] = summary.Clients,
            ["runtime"] = new JsonObject { ["status"] = summary.Runtime, ["memoryBytes"] = ResidentBytes(state.Runtime.Pid) ?? state.Runtime.MemoryBytes },
            ["createdAt"] = state.CreatedAt,
        };
    }

    /// <summary>Resident memory of a process of this machine, in bytes: field 2 of <c>/proc/PID/statm</c>, in pages (proc(5)).</summary>
    private static long? ResidentBytes(int? pid)
    {
        try
        {
            return pid is null
                ? null
                : long.Parse(File.ReadAllText($"/proc/{pid}/statm").Split(' ')[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    private static JsonObject FileOf(SessionState state) =>
        new()
        {
            ["state"] = state.File.State,
            ["node"] = state.File.Node,
            ["path"] = state.File.Path,
            ["savedAt"] = state.File.SavedAt,
            ["message"] = state.File.Message,
        };

    private static byte[] AttachmentsOf(SessionState state) =>
        JsonSerializer.SerializeToUtf8Bytes(
            [
                .. state
                    .Attachments.Select(entry => new StoredAttachment(entry.Key, entry.Value.Hash, entry.Value.Size, entry.Value.StoredAt))
                    .OrderBy(attachment => attachment.Name, StringComparer.Ordinal),
            ],
            AttachmentJson.Default.ImmutableArrayStoredAttachment
        );

    private static JsonObject SecretsOf(SessionState state) =>
        new()
        {
            ["session"] = new JsonObject(state.Secrets.Select(secret => KeyValuePair.Create(secret.Key, (JsonNode?)JsonValue.Create(secret.Value)))),
            ["allowed"] = new JsonArray([.. state.AllowedSecrets.Select(name => JsonValue.Create(name))]),
        };

    private static QueryReply NotebookOf(SessionState state, ImmutableDictionary<string, string> parameters)
    {
        var outputs = parameters.GetValueOrDefault("outputs") == "true";
        var notebook = SessionNotebook.WithOutputs(state);
        return parameters.GetValueOrDefault("format") switch
        {
            "livemd" => new QueryReply("text/markdown; charset=utf-8", state.Version, LiveMarkdownWriter.WriteBytes(notebook, outputs ? true : null)),
            "ipynb" => new QueryReply(
                "application/x-ipynb+json",
                state.Version,
                IpynbWriter.WriteBytes(outputs ? notebook : SessionNotebook.WithoutOutputs(state.Notebook))
            ),
            null or "json" => Reply(state, NotebookJson(state, outputs)),
            var other => Missing(state, $"format must be json, livemd or ipynb, found {other}"),
        };
    }

    private static JsonObject NotebookJson(SessionState state, bool outputs)
    {
        var notebook = state.Notebook;
        return new JsonObject
        {
            ["name"] = notebook.Name,
            ["persistOutputs"] = notebook.PersistOutputs,
            ["autosaveSeconds"] = notebook.AutosaveSeconds ?? 0,
            ["defaultLanguage"] = notebook.DefaultLanguage,
            ["version"] = state.Version,
            ["sections"] = new JsonArray([
                .. notebook.AllSections.Select(section => new JsonObject
                {
                    ["id"] = section.Id,
                    ["name"] = section.Name,
                    ["parent"] = section.Parent,
                    ["cells"] = new JsonArray([.. section.Cells.Select(cell => CellOf(state, cell, section, outputs))]),
                }),
            ]),
        };
    }

    private static JsonObject? CellOf(SessionState state, string id) =>
        state.Notebook.Find(id) is { } cell ? CellOf(state, cell, state.Notebook.SectionOf(id)!, outputs: true) : null;

    private static JsonObject CellOf(SessionState state, Cell cell, Section section, bool outputs)
    {
        var known = state.StateOf(cell.Id);
        var json = new JsonObject
        {
            ["id"] = cell.Id,
            ["section"] = section.Id,
            ["kind"] = cell switch
            {
                MarkdownCell => "markdown",
                SmartCell => "smart",
                _ => "code",
            },
            ["source"] = Sound(cell.Source),
            ["revision"] = known.TextRevision,
        };
        if (cell is not EvaluableCell code)
            return json;
        json["language"] = code.Language;
        json["status"] = StatusName(known.Status);
        // Outputs of another text are as stale as those of other inputs.
        var changed = known is { Validity: CellValidity.Evaluated, EvaluatedSource: { } evaluated } && evaluated != code.Source;
        json["validity"] = changed ? "stale" : EvaluationQueries.Validity(state, cell.Id);
        json["errored"] = known.Errored;
        if (outputs)
            json["outputs"] = OutputsOf(state, cell.Id);
        json["durationMs"] = known.DurationMs;
        json["evaluations"] = known.Evaluation;
        return json;
    }

    private static string StatusName(CellStatus status) =>
        status switch
        {
            CellStatus.Queued => "queued",
            CellStatus.Evaluating => "evaluating",
            _ => "ready",
        };

    /// <summary>JSON cannot carry half a surrogate pair.</summary>
    private static string Sound(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private static JsonArray OutputsOf(SessionState state, string cellId) => new([.. SessionNotebook.OutputsOf(state, cellId).Select(OutputOf)]);

    private static JsonObject OutputOf(Output output)
    {
        var data = new JsonObject();
        foreach (var (mimeType, value) in output.Data)
            data[mimeType] = Sound(value);
        var json = new JsonObject { ["kind"] = output.Kind.ToString().ToLowerInvariant(), ["data"] = data };
        if (output.Error is { } error)
            json["error"] = ErrorOf(error);
        return json;
    }

    private static JsonObject ErrorOf(ErrorDetails error) =>
        new()
        {
            ["type"] = error.Type,
            ["message"] = Sound(error.Message),
            ["line"] = error.Line,
        };

    private static JsonObject EvaluationsOf(SessionState state, string[] ids)
    {
        var wanted = ids.ToHashSet();
        var list = new JsonArray();
        foreach (var id in EvaluationQueries.Order(state.Notebook).Where(id => wanted.Count == 0 || wanted.Contains(id)))
        {
            var cell = state.StateOf(id);
            var error = SessionNotebook.OutputsOf(state, id).LastOrDefault(output => output.Error is not null)?.Error;
            list.Add(
                new JsonObject
                {
                    ["cell"] = id,
                    ["status"] = StatusOf(cell),
                    ["durationMs"] = cell.DurationMs,
                    ["outputs"] = OutputsOf(state, id),
                    ["error"] = error is null ? null : ErrorOf(error),
                }
            );
        }
        return new JsonObject { ["evaluations"] = list };
    }

    private static string StatusOf(CellState cell) =>
        cell switch
        {
            { Status: not CellStatus.Ready } => "queued",
            { Errored: true } => "failed",
            { Unsupported: true } => "unsupported",
            { Validity: CellValidity.Evaluated } => "ok",
            _ => "aborted",
        };
}
