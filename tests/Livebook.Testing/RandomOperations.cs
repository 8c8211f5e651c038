using System.Collections.Immutable;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Core.Text;
using Livebook.Protocol;

namespace Livebook.Testing;

/// <summary>What might happen to a session next: mostly what makes sense, now and then what does not. The same seed gives the same operations.</summary>
public sealed class RandomOperations(int seed)
{
    private readonly Random _random = new(seed);
    private int _ids;
    private long _report;

    /// <summary>A session with a main flow and a branch, on which operations were tried; the refused ones left no trace.</summary>
    public static TestSession Session(int seed, int count, Action<TestSession>? each = null)
    {
        var session = A.Session(
            A.Section("section-0001", A.Code("cell-a001"), A.Markdown("cell-a002"), A.Code("cell-a003")),
            A.Branch("section-0002", "section-0001", A.Code("cell-b001"), A.Code("cell-b002")),
            A.Section("section-0003", A.Code("cell-c001"))
        );
        var operations = new RandomOperations(seed);
        for (; count > 0; count--)
        {
            if (session.Apply(operations.Next(session.State)) is Outcome.Accepted)
                each?.Invoke(session);
        }
        return session;
    }

    public Operation Next(SessionState state) =>
        _random.Next(100) switch
        {
            < 40 => Report(state),
            < 55 => Evaluation(state),
            < 68 => Text(state),
            < 84 => Structure(state),
            < 90 => System(state),
            _ => Setting(state),
        };

    private Operation Report(SessionState state)
    {
        if (state.Runtime.Status == "starting")
        {
            if (_random.Next(8) == 0)
                return new RuntimeOperation.StartFailed(state.Runtime.Start, "no such program");
            _report = 0;
            return new RuntimeOperation.Connected($"runtime-{++_ids}", "node-1", 1, ".NET", state.Runtime.Start);
        }
        var cell = Pick([.. state.Cells.Where(entry => entry.Value.Status == CellStatus.Evaluating).Select(entry => entry.Key).Order()]) ?? AnyCell(state);
        var evaluation = state.StateOf(cell).Evaluation;
        RuntimeReport report = _random.Next(12) switch
        {
            < 4 => new RuntimeReport.Produced(cell, evaluation, AnyOutput()),
            4 => new RuntimeReport.Started(cell, evaluation),
            5 => new RuntimeReport.Progress(cell, evaluation, "restoring packages"),
            6 => new RuntimeReport.Diagnosed(
                cell,
                state.StateOf(cell).TextRevision,
                [new Diagnostic(DiagnosticSeverity.Error, 0, 1, 1, "CS1002", "; expected")]
            ),
            7 => new RuntimeReport.Memory(_random.Next(), 0),
            _ => new RuntimeReport.Finished(cell, evaluation, (EvaluationStatus)_random.Next(4), _random.Next(100), [], _random.Next(10) > 0),
        };
        return new RuntimeOperation.Reported(state.Runtime.Id ?? "none", ++_report, report);
    }

    private Output AnyOutput() =>
        _random.Next(5) switch
        {
            0 => A.Result(new string('x', _random.Next(40_000))),
            1 => A.Failure("no"),
            2 => Output.Text(OutputKind.Stderr, "warning\n"),
            _ => A.Stdout($"line {_random.Next(100)}\n"),
        };

    private ClientOperation Evaluation(SessionState state) =>
        _random.Next(12) switch
        {
            < 5 => new ClientOperation.Evaluate([AnyCell(state)]),
            5 => new ClientOperation.Evaluate([], "outdated"),
            6 => new ClientOperation.Evaluate([], "all"),
            7 => new ClientOperation.Evaluate([], "section", AnySection(state)),
            8 => new ClientOperation.Cancel(_random.Next(2) == 0 ? null : AnyCell(state)),
            9 => new ClientOperation.EraseOutputs(_random.Next(2) == 0 ? null : AnyCell(state)),
            10 => new ClientOperation.RestartRuntime(),
            _ => new ClientOperation.DisconnectRuntime(),
        };

    private ClientOperation.EditText Text(SessionState state)
    {
        var id = AnyCell(state);
        var length = state.Notebook.Find(id)!.Source.Length;
        var from = _random.Next(length + 1);
        var to = _random.Next(from, length + 1);
        var edit = ChangeSet.Of(length, [(from, to, _random.Next(3) == 0 ? "" : $"x{_random.Next(100)}\n")]);
        return new ClientOperation.EditText(id, $"editor-{_random.Next(3)}", state.StateOf(id).TextRevision, [edit]);
    }

    private ClientOperation Structure(SessionState state) =>
        _random.Next(10) switch
        {
            0 or 1 => new ClientOperation.InsertCell($"cell-{++_ids:0000}", AnySection(state), _random.Next(4), _random.Next(4) == 0 ? "markdown" : "code"),
            2 => new ClientOperation.DeleteCell(AnyCell(state)),
            3 => new ClientOperation.RestoreCell(Pick([.. state.Bin.Keys.Order()]) ?? "cell-none"),
            4 or 5 => _random.Next(2) == 0
                ? new ClientOperation.MoveCell(AnyCell(state), _random.Next(-3, 4))
                : new ClientOperation.MoveCell(AnyCell(state), 0, AnySection(state), _random.Next(4)),
            6 => new ClientOperation.InsertSection(
                $"section-{++_ids:0000}",
                AnySection(state),
                _random.Next(3),
                "  A   name ",
                _random.Next(2) == 0 ? null : AnySection(state)
            ),
            7 => new ClientOperation.DeleteSection(AnySection(state), _random.Next(2) == 0),
            8 => new ClientOperation.MoveSection(AnySection(state), _random.Next(-2, 3)),
            _ => new ClientOperation.SetSectionParent(AnySection(state), _random.Next(2) == 0 ? null : AnySection(state)),
        };

    private Operation System(SessionState state) =>
        _random.Next(9) switch
        {
            0 => new RuntimeOperation.Down(state.Runtime.Id ?? "", "it crashed"),
            1 => new SystemOperation.Adopted("node-2", _random.Next(100), _random.Next(2) == 0),
            2 => new SystemOperation.FileAttached("node-1", "/notebooks/a.livemd", null),
            3 => new SystemOperation.Saving("hash"),
            4 or 5 => new SystemOperation.Saved("node-1", "/notebooks/a.livemd", state.ContentRevision - _random.Next(2), A.FileVersion()),
            6 => new SystemOperation.SaveFailed(Pick(["changed_outside", "out_of_reach", "failed"])!, "no"),
            7 => new SystemOperation.FileReloaded(Changed(state.Notebook), A.FileVersion("hash-2")),
            _ => new SystemOperation.AutosaveDue(),
        };

    private Notebook Changed(Notebook notebook)
    {
        // As a reader would make it: new ids everywhere but in the setup cell, and one more cell.
        Cell Fresh(Cell cell) => cell.Id == Cell.SetupId ? cell : cell with { Id = $"read-{++_ids:0000}" };
        Section[] sections = [.. notebook.Sections.Select(section => section with { Cells = [.. section.Cells.Select(Fresh)] })];
        if (sections.Length > 0)
            sections[^1] = sections[^1] with { Cells = sections[^1].Cells.Add(A.Code($"read-{++_ids:0000}") with { StoredOutputs = [A.Result("stored")] }) };
        return notebook with { Sections = [.. sections], Setup = notebook.Setup with { Cells = [notebook.Setup.Cells[0]] } };
    }

    private ClientOperation Setting(SessionState state) =>
        _random.Next(8) switch
        {
            0 => new ClientOperation.RenameNotebook($"Name {_random.Next(9)}"),
            1 => new ClientOperation.SetNotebook(_random.Next(2) == 0, _random.Next(3) * 5),
            2 => new ClientOperation.RenameSection(AnySection(state), "Another"),
            3 or 4 => new ClientOperation.SetCell(
                AnyCell(state),
                _random.Next(4) == 0 ? "fsharp" : null,
                _random.Next(2) == 0,
                _random.Next(2) == 0,
                (OutputSize)_random.Next(3)
            ),
            5 => new ClientOperation.Save(),
            6 => new ClientOperation.ResolveFileConflict(Pick(["reload", "keep_both", "overwrite"])!),
            _ => new ClientOperation.DismissNotice(Pick([.. state.Notices.Keys.Order()]) ?? "none"),
        };

    private string AnyCell(SessionState state) => Pick([.. state.Notebook.Cells.Select(cell => cell.Id)])!;

    private string AnySection(SessionState state) => Pick([.. state.Notebook.AllSections.Select(section => section.Id)])!;

    private string? Pick(ImmutableArray<string> items) => items.IsEmpty ? null : items[_random.Next(items.Length)];
}
