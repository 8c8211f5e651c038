using System.Collections.Immutable;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Core.Views;
using Livebook.Protocol;

namespace Livebook.Testing;

/// <summary>A session in a test: applies operations one after the other, a second apart, and keeps its log.</summary>
public sealed class TestSession(SessionState state)
{
    private readonly List<LogRecord> _log = [];
    private long _reports;

    /// <summary>Id of the runtime that <see cref="Connected"/> connects.</summary>
    public const string Runtime = "runtime-1";

    public SessionState State { get; private set; } = state;

    /// <summary>The state in front of the first operation.</summary>
    public SessionState First { get; } = state;

    /// <summary>What the last accepted operation asked to be done.</summary>
    public ImmutableArray<Effect> Effects { get; private set; } = [];

    /// <summary>What was accepted, oldest first.</summary>
    public IReadOnlyList<LogRecord> Log => _log;

    /// <summary>Time of the next stamp.</summary>
    public DateTimeOffset Now { get; private set; } = A.Start;

    public SessionView View => SessionProjection.View(State);

    public CellState this[string cell] => State.StateOf(cell);

    /// <summary>The validity that authors see.</summary>
    public string Validity(string cell) => EvaluationQueries.Validity(State, cell);

    public Outcome Apply(Operation operation, Stamp? stamp = null)
    {
        Now = Now.AddSeconds(1);
        var at = stamp ?? new Stamp(Now);
        var outcome = SessionReducer.Apply(State, operation, at);
        if (outcome is Outcome.Accepted accepted)
        {
            State = accepted.State;
            Effects = accepted.Effects;
            _log.Add(new LogRecord(operation, at));
        }
        return outcome;
    }

    /// <summary>Applies an operation that must be accepted.</summary>
    public Outcome.Accepted Accept(Operation operation, Stamp? stamp = null) =>
        Apply(operation, stamp) switch
        {
            Outcome.Accepted accepted => accepted,
            Outcome.Rejected(var reason) => throw new InvalidOperationException($"{operation.GetType().Name} was refused: {reason}"),
            var other => throw new InvalidOperationException($"{operation.GetType().Name}: {other}"),
        };

    /// <summary>Applies an operation that must be refused, and says why it was.</summary>
    public string Refuse(Operation operation) =>
        Apply(operation) is Outcome.Rejected(var reason) ? reason : throw new InvalidOperationException($"{operation.GetType().Name} was not refused");

    /// <summary>The session behind these operations, each of which must be accepted.</summary>
    public TestSession After(params ReadOnlySpan<Operation> operations)
    {
        foreach (var operation in operations)
            Accept(operation);
        return this;
    }

    public TestSession At(DateTimeOffset now)
    {
        Now = now;
        return this;
    }

    /// <summary>The runtime that was asked for is there.</summary>
    public TestSession Connected()
    {
        _reports = 0;
        return After(new RuntimeOperation.Connected(Runtime, "node-1", 4711, ".NET 10", State.Runtime.Start));
    }

    public Outcome.Accepted Report(RuntimeReport report) => Accept(new RuntimeOperation.Reported(Runtime, ++_reports, report));

    public TestSession Output(string cell, Output output)
    {
        Report(new RuntimeReport.Produced(cell, this[cell].Evaluation, output));
        return this;
    }

    /// <summary>The running evaluation of a cell ends.</summary>
    public TestSession Finish(string cell, EvaluationStatus status = EvaluationStatus.Ok)
    {
        Report(new RuntimeReport.Finished(cell, this[cell].Evaluation, status, 12.5, []));
        return this;
    }

    /// <summary>Evaluates cells to their end, whatever else has to run with them too; connects a runtime when there is none.</summary>
    public TestSession Run(params ReadOnlySpan<string> cells)
    {
        Accept(new ClientOperation.Evaluate([.. cells]));
        return RunQueue();
    }

    /// <summary>Lets everything that is queued or runs end well.</summary>
    public TestSession RunQueue()
    {
        if (State.Runtime.Status == "starting")
            Connected();
        while (State.Notebook.Cells.FirstOrDefault(cell => this[cell.Id].Status == CellStatus.Evaluating) is { } running)
            Finish(running.Id);
        return this;
    }

    public Cell Cell(string id) => State.Notebook.Find(id) ?? throw new InvalidOperationException($"there is no cell {id}");
}
