using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Livebook.Protocol;

/// <summary>What a server asks of a runtime process. Sent as one frame each (see <see cref="Frames"/>).</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Hello), "hello")]
[JsonDerivedType(typeof(Assign), "assign")]
[JsonDerivedType(typeof(Evaluate), "evaluate")]
[JsonDerivedType(typeof(Cancel), "cancel")]
[JsonDerivedType(typeof(Forget), "forget")]
[JsonDerivedType(typeof(Diagnose), "diagnose")]
[JsonDerivedType(typeof(AcknowledgeReports), "ack")]
[JsonDerivedType(typeof(SetEnvironment), "environment")]
[JsonDerivedType(typeof(Shutdown), "shutdown")]
public abstract record RuntimeCommand
{
    /// <summary>First frame on every connection. A wrong key closes the connection; a second connection with the right key replaces the first.</summary>
    /// <param name="Key">The secret that the runtime read from its standard input when it started.</param>
    /// <param name="ProtocolMin">Oldest protocol the server speaks.</param>
    /// <param name="ProtocolMax">Newest protocol the server speaks.</param>
    /// <param name="LastReport">Sequence of the last report that the server has safely stored; later ones are sent again. 0 for a new runtime.</param>
    public sealed record Hello(string Key, int ProtocolMin, int ProtocolMax, long LastReport) : RuntimeCommand;

    /// <summary>Gives a spare to a session. Sent once, before the first <see cref="Evaluate"/>.</summary>
    /// <param name="Session">Id of the session.</param>
    /// <param name="Epoch">The owner's epoch; a runtime of a lower epoch ends itself.</param>
    /// <param name="Directory">Working directory of user code: the notebook's directory, or a directory of the session.</param>
    /// <param name="Environment">Variables to set for user code.</param>
    /// <param name="NotebookPath">Path of the notebook file, if it has one.</param>
    public sealed record Assign(string Session, long Epoch, string Directory, ImmutableSortedDictionary<string, string> Environment, string? NotebookPath)
        : RuntimeCommand;

    /// <summary>Runs a cell. One evaluation at a time per flow; more are queued in order of arrival.</summary>
    /// <param name="Cell">Id of the cell.</param>
    /// <param name="Evaluation">Number of this evaluation of the cell; a number seen before is ignored (at most once).</param>
    /// <param name="Language">E.g. <c>csharp</c>.</param>
    /// <param name="Source">The source. Line ends are <c>\n</c>.</param>
    /// <param name="Path">Evaluated ancestors of the cell, from the first (setup) to the nearest, without the cell itself.</param>
    /// <param name="Flow">Name of the flow: evaluations of different flows run side by side.</param>
    public sealed record Evaluate(string Cell, int Evaluation, string Language, string Source, ImmutableArray<string> Path, string Flow = "main")
        : RuntimeCommand;

    /// <summary>Stops an evaluation. State is kept when code can be interrupted; answered by <see cref="RuntimeReport.Finished"/>.</summary>
    public sealed record Cancel(string Cell, int Evaluation) : RuntimeCommand;

    /// <summary>Drops what a cell has defined.</summary>
    public sealed record Forget(string Cell) : RuntimeCommand;

    /// <summary>Asks for the compiler's diagnostics of a cell that is being edited; answered by <see cref="RuntimeReport.Diagnosed"/>.</summary>
    /// <param name="Revision">Text revision of <paramref name="Source"/>, returned unchanged.</param>
    public sealed record Diagnose(string Cell, int Revision, string Language, string Source, ImmutableArray<string> Path) : RuntimeCommand;

    /// <summary>Every report up to and including <paramref name="Report"/> is safe and need not be kept.</summary>
    public sealed record AcknowledgeReports(long Report) : RuntimeCommand;

    /// <summary>Replaces the variables that were set for user code: those that are not among them have their first values again. From protocol 2 on.</summary>
    public sealed record SetEnvironment(ImmutableSortedDictionary<string, string> Variables) : RuntimeCommand;

    /// <summary>Ends the process and its children.</summary>
    public sealed record Shutdown : RuntimeCommand;
}

/// <summary>
/// What a runtime process tells its server. Reports are numbered without gaps from 1 (<see cref="ReportFrame.Sequence"/>)
/// and kept until acknowledged, so that a server that comes back misses none.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Ready), "ready")]
[JsonDerivedType(typeof(Started), "started")]
[JsonDerivedType(typeof(Produced), "produced")]
[JsonDerivedType(typeof(Finished), "finished")]
[JsonDerivedType(typeof(Progress), "progress")]
[JsonDerivedType(typeof(Diagnosed), "diagnosed")]
[JsonDerivedType(typeof(Memory), "memory")]
[JsonDerivedType(typeof(Log), "log")]
public abstract record RuntimeReport
{
    /// <summary>First report: the runtime can evaluate.</summary>
    /// <param name="Framework">E.g. <c>.NET 10.0.12</c>.</param>
    /// <param name="Protocol">The version both sides speak from now on.</param>
    public sealed record Ready(int Protocol, int Pid, string Framework, ImmutableArray<string> Languages) : RuntimeReport;

    /// <summary>An evaluation has begun.</summary>
    public sealed record Started(string Cell, int Evaluation) : RuntimeReport;

    /// <summary>An evaluation put something out. Consecutive text of one stream comes batched (at most about 25 batches a second).</summary>
    public sealed record Produced(string Cell, int Evaluation, Output Output) : RuntimeReport;

    /// <summary>An evaluation has ended; the last report about it.</summary>
    /// <param name="DurationMs">From start to end of the evaluation, milliseconds.</param>
    /// <param name="StateKept">False when the runtime had to give up what earlier cells defined.</param>
    public sealed record Finished(
        string Cell,
        int Evaluation,
        EvaluationStatus Status,
        double DurationMs,
        ImmutableArray<Diagnostic> Diagnostics,
        bool StateKept = true
    ) : RuntimeReport;

    /// <summary>A long step in front of or within an evaluation, e.g. restoring packages. Null text: the step is over.</summary>
    public sealed record Progress(string Cell, int Evaluation, string? Text) : RuntimeReport;

    /// <summary>Answer to <see cref="RuntimeCommand.Diagnose"/>.</summary>
    public sealed record Diagnosed(string Cell, int Revision, ImmutableArray<Diagnostic> Diagnostics) : RuntimeReport;

    /// <summary>Resident memory of the process, in bytes; every 5 s at most.</summary>
    public sealed record Memory(long ResidentBytes, long ManagedBytes) : RuntimeReport;

    /// <summary>Something for the server's log, never user data.</summary>
    public sealed record Log(string Text) : RuntimeReport;
}

/// <summary>How an evaluation ended.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<EvaluationStatus>))]
public enum EvaluationStatus
{
    [JsonStringEnumMemberName("ok")]
    Ok,

    [JsonStringEnumMemberName("failed")]
    Failed,

    [JsonStringEnumMemberName("aborted")]
    Aborted,

    /// <summary>The language cannot run here; nothing was run.</summary>
    [JsonStringEnumMemberName("unsupported")]
    Unsupported,
}

/// <summary>A report with its number.</summary>
public sealed record ReportFrame(long Sequence, RuntimeReport Report);
