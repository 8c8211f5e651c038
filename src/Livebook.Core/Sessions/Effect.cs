using System.Collections.Immutable;
using Livebook.Core.Wire;

namespace Livebook.Core.Sessions;

/// <summary>Something to do outside. A value: the edges carry it out and report back as an operation.</summary>
public abstract record Effect
{
    /// <summary>Start a runtime process; answered by <see cref="RuntimeOperation.Connected"/> or <see cref="RuntimeOperation.StartFailed"/> with the same number.</summary>
    public sealed record StartRuntime(int Start) : Effect;

    public sealed record StopRuntime : Effect;

    /// <summary>The variables for code may have changed: tell the runtime.</summary>
    public sealed record UpdateEnvironment : Effect;

    /// <param name="Flow">Evaluations of different flows run side by side.</param>
    public sealed record StartEvaluation(string Cell, int Evaluation, string Language, string Source, ImmutableArray<string> Path, string Flow) : Effect;

    public sealed record StopEvaluation(string Cell, int Evaluation) : Effect;

    public sealed record ForgetEvaluation(string Cell) : Effect;

    /// <summary>Ask for diagnostics of a cell's present text, soon; many at once are one.</summary>
    public sealed record Diagnose(string Cell) : Effect;

    /// <summary>Write the file; answered by <see cref="SystemOperation.Saved"/> or <see cref="SystemOperation.SaveFailed"/>.</summary>
    public sealed record SaveFile(bool Overwrite) : Effect;

    /// <summary>Say <see cref="SystemOperation.AutosaveDue"/> after this many seconds.</summary>
    public sealed record ScheduleAutosave(int Seconds) : Effect;

    /// <summary>Read the file again; answered by <see cref="SystemOperation.FileReloaded"/>.</summary>
    public sealed record ReloadFile : Effect;

    /// <summary>Save under a new name beside the file; answered by <see cref="SystemOperation.FileAttached"/>.</summary>
    public sealed record KeepBoth : Effect;

    /// <summary>Give the lock of a file back.</summary>
    public sealed record ReleaseFile(string Node, string Path) : Effect;

    /// <summary>Bring <c>files/</c> in line with the session's attachments: write what is missing there, take in what the notebook lists and the session lacks.</summary>
    public sealed record PlaceAttachments : Effect;

    /// <summary>Remove a file from <c>files/</c> if it still has this content.</summary>
    public sealed record RemoveAttachment(string Name, string Hash) : Effect;
}

/// <summary>What the reducer says to an operation.</summary>
public abstract record Outcome
{
    /// <summary>The operation happened.</summary>
    /// <param name="Text">Text changes it made, for the stream.</param>
    /// <param name="Resource">Id of what it made, e.g. a cell; kept with an <c>Idempotency-Key</c>.</param>
    public sealed record Accepted(SessionState State, ImmutableArray<Effect> Effects, ImmutableArray<StreamEntry> Text, string? Resource = null) : Outcome;

    /// <summary>It cannot be; only the asker hears why.</summary>
    public sealed record Rejected(string Reason) : Outcome;

    /// <summary>It happened before; the first result.</summary>
    public sealed record Repeated(long Version, string? Resource) : Outcome;
}
