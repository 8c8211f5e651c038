using System.Text.Json;
using System.Text.Json.Nodes;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Protocol;

namespace Livebook.Web.Cli;

/// <summary>What a run did, cell by cell (the shape of <c>--report</c>).</summary>
internal sealed class RunReport
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly JsonObject _json;

    private RunReport(JsonObject json, bool failed)
    {
        _json = json;
        Failed = failed;
    }

    /// <summary>A cell failed or was aborted, or is unsupported and the run is strict.</summary>
    public bool Failed { get; }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(_json, Indented);

    /// <summary>Every code cell in order; the setup cell only when something is in it.</summary>
    public static IEnumerable<EvaluableCell> CellsOf(Notebook notebook) =>
        notebook.Cells.OfType<EvaluableCell>().Where(cell => notebook.Setup.Cells.All(setup => setup.Id != cell.Id) || !string.IsNullOrWhiteSpace(cell.Source));

    public static RunReport Of(string file, SessionState state, TimeSpan duration, bool timedOut, bool strict)
    {
        var cells = new JsonArray();
        var failed = false;
        foreach (var cell in CellsOf(state.Notebook))
        {
            var known = state.StateOf(cell.Id);
            var status = StatusOf(known);
            failed |= status is "failed" or "aborted" || (strict && status == "unsupported");
            cells.Add(CellOf(state, cell, known, status));
        }
        var json = new JsonObject
        {
            ["notebook"] = state.Notebook.Name,
            ["file"] = file,
            ["status"] =
                timedOut ? "timeout"
                : failed ? "failed"
                : "ok",
            ["durationMs"] = Math.Round(duration.TotalMilliseconds),
            ["cells"] = cells,
        };
        return new RunReport(json, failed);
    }

    private static string StatusOf(CellState cell) =>
        cell switch
        {
            { Evaluation: 0 } => "skipped",
            { Unsupported: true } => "unsupported",
            { Errored: true } => "failed",
            { Status: CellStatus.Ready, Validity: CellValidity.Evaluated } => "ok",
            _ => "aborted",
        };

    private static JsonObject CellOf(SessionState state, EvaluableCell cell, CellState known, string status)
    {
        var outputs = known.Evaluation == 0 ? [] : SessionNotebook.OutputsOf(state, cell.Id);
        var result = new JsonObject();
        foreach (var output in outputs.Where(output => output.Kind is OutputKind.Result or OutputKind.Display))
        {
            foreach (var (mimeType, value) in output.Data)
                result[mimeType] = value;
        }
        var json = new JsonObject
        {
            ["id"] = cell.Id,
            ["section"] = state.Notebook.SectionOf(cell.Id)!.Name,
            ["language"] = cell.Language,
            ["status"] = status,
            ["durationMs"] = known.DurationMs,
            ["stdout"] = Text(outputs, OutputKind.Stdout),
            ["stderr"] = Text(outputs, OutputKind.Stderr),
        };
        if (result.Count > 0)
            json["result"] = result;
        if (outputs.LastOrDefault(output => output.Error is not null)?.Error is { } error)
        {
            json["error"] = new JsonObject
            {
                ["type"] = error.Type,
                ["message"] = error.Message,
                ["line"] = error.Line,
            };
        }
        return json;
    }

    /// <summary>Text of a stream, without escape codes.</summary>
    private static string Text(IEnumerable<Output> outputs, OutputKind kind) =>
        OutputPrinter.Ansi.Replace(
            string.Concat(outputs.Where(output => output.Kind == kind).Select(output => output.Data.GetValueOrDefault("text/plain", ""))),
            ""
        );
}
