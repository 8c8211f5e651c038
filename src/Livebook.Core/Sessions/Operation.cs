using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Livebook.Core.Notebooks;
using Livebook.Core.Text;
using Livebook.Protocol;

namespace Livebook.Core.Sessions;

/// <summary>Something that may change a session. Three closed families: what a client asks, what a runtime reports, what the system decides.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "op")]
[JsonDerivedType(typeof(ClientOperation.RenameNotebook), "rename_notebook")]
[JsonDerivedType(typeof(ClientOperation.SetNotebook), "set_notebook")]
[JsonDerivedType(typeof(ClientOperation.InsertSection), "insert_section")]
[JsonDerivedType(typeof(ClientOperation.RenameSection), "rename_section")]
[JsonDerivedType(typeof(ClientOperation.DeleteSection), "delete_section")]
[JsonDerivedType(typeof(ClientOperation.MoveSection), "move_section")]
[JsonDerivedType(typeof(ClientOperation.SetSectionParent), "set_section_parent")]
[JsonDerivedType(typeof(ClientOperation.InsertCell), "insert_cell")]
[JsonDerivedType(typeof(ClientOperation.DeleteCell), "delete_cell")]
[JsonDerivedType(typeof(ClientOperation.RestoreCell), "restore_cell")]
[JsonDerivedType(typeof(ClientOperation.MoveCell), "move_cell")]
[JsonDerivedType(typeof(ClientOperation.SetCell), "set_cell")]
[JsonDerivedType(typeof(ClientOperation.EditText), "edit_text")]
[JsonDerivedType(typeof(ClientOperation.PatchText), "patch_text")]
[JsonDerivedType(typeof(ClientOperation.Evaluate), "evaluate")]
[JsonDerivedType(typeof(ClientOperation.Cancel), "cancel")]
[JsonDerivedType(typeof(ClientOperation.EraseOutputs), "erase_outputs")]
[JsonDerivedType(typeof(ClientOperation.RestartRuntime), "restart_runtime")]
[JsonDerivedType(typeof(ClientOperation.DisconnectRuntime), "disconnect_runtime")]
[JsonDerivedType(typeof(ClientOperation.SetFile), "set_file")]
[JsonDerivedType(typeof(ClientOperation.Save), "save")]
[JsonDerivedType(typeof(ClientOperation.ResolveFileConflict), "resolve_file_conflict")]
[JsonDerivedType(typeof(ClientOperation.DismissNotice), "dismiss_notice")]
[JsonDerivedType(typeof(ClientOperation.DeleteAttachment), "delete_attachment")]
[JsonDerivedType(typeof(ClientOperation.RenameAttachment), "rename_attachment")]
[JsonDerivedType(typeof(ClientOperation.SetSecret), "set_secret")]
[JsonDerivedType(typeof(ClientOperation.DeleteSecret), "delete_secret")]
[JsonDerivedType(typeof(ClientOperation.AllowSecret), "allow_secret")]
[JsonDerivedType(typeof(RuntimeOperation.Reported), "runtime_reported")]
[JsonDerivedType(typeof(RuntimeOperation.Connected), "runtime_connected")]
[JsonDerivedType(typeof(RuntimeOperation.StartFailed), "runtime_start_failed")]
[JsonDerivedType(typeof(RuntimeOperation.Down), "runtime_down")]
[JsonDerivedType(typeof(RuntimeOperation.Away), "runtime_away")]
[JsonDerivedType(typeof(SystemOperation.Adopted), "adopted")]
[JsonDerivedType(typeof(SystemOperation.AutosaveDue), "autosave_due")]
[JsonDerivedType(typeof(SystemOperation.Saving), "saving")]
[JsonDerivedType(typeof(SystemOperation.Saved), "saved")]
[JsonDerivedType(typeof(SystemOperation.SaveFailed), "save_failed")]
[JsonDerivedType(typeof(SystemOperation.FileReloaded), "file_reloaded")]
[JsonDerivedType(typeof(SystemOperation.FileAttached), "file_attached")]
[JsonDerivedType(typeof(SystemOperation.AttachmentStored), "attachment_stored")]
public abstract record Operation;

/// <summary>What a client may ask; the only family the socket accepts, so no browser can forge an output.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "op")]
[JsonDerivedType(typeof(ClientOperation.RenameNotebook), "rename_notebook")]
[JsonDerivedType(typeof(ClientOperation.SetNotebook), "set_notebook")]
[JsonDerivedType(typeof(ClientOperation.InsertSection), "insert_section")]
[JsonDerivedType(typeof(ClientOperation.RenameSection), "rename_section")]
[JsonDerivedType(typeof(ClientOperation.DeleteSection), "delete_section")]
[JsonDerivedType(typeof(ClientOperation.MoveSection), "move_section")]
[JsonDerivedType(typeof(ClientOperation.SetSectionParent), "set_section_parent")]
[JsonDerivedType(typeof(ClientOperation.InsertCell), "insert_cell")]
[JsonDerivedType(typeof(ClientOperation.DeleteCell), "delete_cell")]
[JsonDerivedType(typeof(ClientOperation.RestoreCell), "restore_cell")]
[JsonDerivedType(typeof(ClientOperation.MoveCell), "move_cell")]
[JsonDerivedType(typeof(ClientOperation.SetCell), "set_cell")]
[JsonDerivedType(typeof(ClientOperation.EditText), "edit_text")]
[JsonDerivedType(typeof(ClientOperation.PatchText), "patch_text")]
[JsonDerivedType(typeof(ClientOperation.Evaluate), "evaluate")]
[JsonDerivedType(typeof(ClientOperation.Cancel), "cancel")]
[JsonDerivedType(typeof(ClientOperation.EraseOutputs), "erase_outputs")]
[JsonDerivedType(typeof(ClientOperation.RestartRuntime), "restart_runtime")]
[JsonDerivedType(typeof(ClientOperation.DisconnectRuntime), "disconnect_runtime")]
[JsonDerivedType(typeof(ClientOperation.SetFile), "set_file")]
[JsonDerivedType(typeof(ClientOperation.Save), "save")]
[JsonDerivedType(typeof(ClientOperation.ResolveFileConflict), "resolve_file_conflict")]
[JsonDerivedType(typeof(ClientOperation.DismissNotice), "dismiss_notice")]
[JsonDerivedType(typeof(ClientOperation.DeleteAttachment), "delete_attachment")]
[JsonDerivedType(typeof(ClientOperation.RenameAttachment), "rename_attachment")]
[JsonDerivedType(typeof(ClientOperation.SetSecret), "set_secret")]
[JsonDerivedType(typeof(ClientOperation.DeleteSecret), "delete_secret")]
[JsonDerivedType(typeof(ClientOperation.AllowSecret), "allow_secret")]
public abstract record ClientOperation : Operation
{
    public sealed record RenameNotebook(string Name) : ClientOperation;

    /// <summary>Null leaves a setting as it is. <paramref name="AutosaveSeconds"/>: 0 = never.</summary>
    public sealed record SetNotebook(bool? PersistOutputs = null, int? AutosaveSeconds = null, string? DefaultLanguage = null) : ClientOperation;

    /// <summary>Inserts a section in front of cell <paramref name="Index"/> of section <paramref name="After"/>: the cells from there on move into it (M8).</summary>
    /// <param name="Section">Id of the new section, chosen by the client: 8 to 40 of <c>a-z 0-9 -</c>.</param>
    /// <param name="After">The section in which it is inserted; null = below all sections.</param>
    /// <param name="Index">Null = behind the last cell of <paramref name="After"/>.</param>
    public sealed record InsertSection(string Section, string? After = null, int? Index = null, string? Name = null, string? Parent = null) : ClientOperation;

    public sealed record RenameSection(string Section, string Name) : ClientOperation;

    /// <summary>Deletes a section; its cells too, or they go to the end of the previous section (M9).</summary>
    public sealed record DeleteSection(string Section, bool DeleteCells) : ClientOperation;

    /// <summary>Moves a section up (negative) or down.</summary>
    public sealed record MoveSection(string Section, int Offset) : ClientOperation;

    /// <summary>Makes a section branch from <paramref name="Parent"/>; null = a regular section.</summary>
    public sealed record SetSectionParent(string Section, string? Parent) : ClientOperation;

    /// <summary>Inserts a cell.</summary>
    /// <param name="Cell">Id of the new cell, chosen by the client: 8 to 40 of <c>a-z 0-9 -</c>.</param>
    /// <param name="Index">Position within the section; null = at its end.</param>
    /// <param name="Kind"><c>code</c> or <c>markdown</c>.</param>
    /// <param name="Language">Of a code cell; null = the notebook's default language.</param>
    public sealed record InsertCell(
        string Cell,
        string Section,
        int? Index = null,
        string Kind = "code",
        string? Language = null,
        [property: JsonConverter(typeof(SurrogateSafeString))] string Source = ""
    ) : ClientOperation;

    /// <summary>Moves a cell to the bin.</summary>
    public sealed record DeleteCell(string Cell) : ClientOperation;

    /// <summary>Brings a cell back from the bin, to where it was if that section is still there.</summary>
    public sealed record RestoreCell(string Cell) : ClientOperation;

    /// <summary>Moves a cell by <paramref name="Offset"/> steps, across section borders (M10); or to a place, when <paramref name="Section"/> is given.</summary>
    public sealed record MoveCell(string Cell, int Offset = 0, string? Section = null, int? Index = null) : ClientOperation;

    /// <summary>Null leaves a setting as it is.</summary>
    public sealed record SetCell(
        string Cell,
        string? Language = null,
        bool? ReevaluateAutomatically = null,
        bool? ContinueOnError = null,
        OutputSize? OutputSize = null
    ) : ClientOperation;

    /// <summary>Changes a cell's text.</summary>
    /// <param name="Editor">Id of one editor instance (fresh for every page load): updates that were sent twice are recognised by it.</param>
    /// <param name="Revision">Text revision of the cell that the first change set refers to.</param>
    /// <param name="Updates">Change sets in CodeMirror's JSON form, each on top of the one before.</param>
    public sealed record EditText(string Cell, string Editor, int Revision, ImmutableArray<ChangeSet> Updates) : ClientOperation;

    /// <summary>Changes a cell's text for a program that does not follow its revisions. Exactly one of the three is given.</summary>
    /// <param name="Source">The whole new text; what is the same at both ends is left alone, so that others' cursors stay.</param>
    /// <param name="Edits">Replacements in the text of <paramref name="Revision"/> (null = as it is now), in order and without overlap.</param>
    /// <param name="Append">Text to add at the end.</param>
    public sealed record PatchText(
        string Cell,
        string Editor,
        string? Source = null,
        ImmutableArray<TextEdit>? Edits = null,
        string? Append = null,
        int? Revision = null
    ) : ClientOperation;

    /// <summary>Queues cells and their outdated ancestors.</summary>
    /// <param name="Cells">Cells to evaluate, even if they are up to date.</param>
    /// <param name="Scope"><c>cells</c> only those; <c>outdated</c> these and all outdated or stale cells; <c>all</c> every cell; <c>section</c> the cells of <paramref name="Section"/>.</param>
    public sealed record Evaluate(ImmutableArray<string> Cells, string Scope = "cells", string? Section = null) : ClientOperation;

    /// <summary>Stops a cell, or with null everything.</summary>
    public sealed record Cancel(string? Cell = null) : ClientOperation;

    /// <summary>Removes the outputs of one cell, or with null of all (then every cell is fresh again, E11).</summary>
    public sealed record EraseOutputs(string? Cell = null) : ClientOperation;

    /// <summary>A fresh runtime process; all cells aborted.</summary>
    public sealed record RestartRuntime : ClientOperation;

    public sealed record DisconnectRuntime : ClientOperation;

    /// <summary>Saves to another file from now on; null = stop saving to a file. Whoever submits it has locked the file first (see <see cref="SystemOperation.FileAttached"/>).</summary>
    public sealed record SetFile(string? Path, string? Node = null) : ClientOperation;

    /// <summary>Writes the file now.</summary>
    public sealed record Save : ClientOperation;

    /// <summary>Answers a file that was changed outside: <c>reload</c>, <c>keep_both</c> (ours goes to a new file beside it) or <c>overwrite</c>.</summary>
    public sealed record ResolveFileConflict(string Choice) : ClientOperation;

    public sealed record DismissNotice(string Notice) : ClientOperation;

    /// <summary>Takes a file away from the notebook, and its copy from <c>files/</c>.</summary>
    public sealed record DeleteAttachment(string Name) : ClientOperation;

    /// <summary>Gives a file of the notebook another name; one that has it is replaced.</summary>
    public sealed record RenameAttachment(string Name, string NewName) : ClientOperation;

    /// <summary>A secret of this session only.</summary>
    /// <param name="Sealed">Encrypted by the server: operations are in logs. What was not sealed for this session and name is nobody's secret.</param>
    public sealed record SetSecret(string Name, string Sealed) : ClientOperation;

    /// <summary>Removes a secret of this session.</summary>
    public sealed record DeleteSecret(string Name) : ClientOperation;

    /// <summary>Lets the session's code use the workspace's secret of this name, or not any more.</summary>
    public sealed record AllowSecret(string Name, bool Allowed) : ClientOperation;
}

/// <summary>Replaces the text between two UTF-16 offsets.</summary>
public sealed record TextEdit(int From, int To, string Insert);

/// <summary>What a runtime did. Made by the server from a runtime's reports.</summary>
public abstract record RuntimeOperation : Operation
{
    /// <param name="Runtime">Which runtime process said it; reports of another than the current one are ignored.</param>
    /// <param name="Sequence">The report's number.</param>
    public sealed record Reported(string Runtime, long Sequence, RuntimeReport Report) : RuntimeOperation;

    /// <param name="Start">Which start it answers (<see cref="Effect.StartRuntime"/>).</param>
    public sealed record Connected(string Runtime, string Node, int Pid, string Framework, int Start) : RuntimeOperation;

    /// <summary>No runtime could be started.</summary>
    public sealed record StartFailed(int Start, string Reason) : RuntimeOperation;

    /// <summary>The runtime is gone: crashed or stopped.</summary>
    public sealed record Down(string Runtime, string Reason) : RuntimeOperation;

    /// <summary>The runtime is on a node that is away for a while, or with a null reason: it can be reached again.</summary>
    public sealed record Away(string Runtime, string? Reason) : RuntimeOperation;
}

/// <summary>What the system decided.</summary>
public abstract record SystemOperation : Operation
{
    /// <summary>A node has taken the session over; what ran elsewhere is lost unless <paramref name="RuntimeAlive"/>.</summary>
    public sealed record Adopted(string Node, long Epoch, bool RuntimeAlive) : SystemOperation;

    public sealed record AutosaveDue : SystemOperation;

    /// <summary>A save is about to write content with this hash: whoever takes the session over recognises it as ours.</summary>
    public sealed record Saving(string Hash) : SystemOperation;

    /// <param name="SavedRevision">The state's <c>ContentRevision</c> that was written.</param>
    public sealed record Saved(string Node, string Path, long SavedRevision, FileVersion Version) : SystemOperation;

    /// <param name="Kind"><c>changed_outside</c>, <c>out_of_reach</c>, <c>disk_full</c> or <c>failed</c>.</param>
    public sealed record SaveFailed(string Kind, string Message) : SystemOperation;

    /// <summary>The file was read again, by the user's choice.</summary>
    public sealed record FileReloaded(Notebook Notebook, FileVersion Version) : SystemOperation;

    /// <summary>A file was locked for this session; from now on it is saved there.</summary>
    public sealed record FileAttached(string Node, string Path, FileVersion? Version) : SystemOperation;

    /// <summary>A content is safe in the stores of the nodes; from now on it is the notebook's file of that name.</summary>
    /// <param name="Hash">Lower-case hex SHA-256 of the content.</param>
    public sealed record AttachmentStored(string Name, string Hash, long Size) : SystemOperation;
}

/// <summary>What a file looked like when it was last read or written by us.</summary>
/// <param name="Hash">Lower-case hex SHA-256 of the content.</param>
public sealed record FileVersion(long Size, DateTimeOffset ModifiedAt, string Hash);

/// <summary>Who asked, and when: everything a reducer must not find out by itself.</summary>
/// <param name="Time">The owner's clock, UTC.</param>
/// <param name="Client">Id of the browser tab; null for the API and the system.</param>
/// <param name="User">Name to show.</param>
/// <param name="Ref">The tab's count of its operations; one that was seen before happens no second time.</param>
/// <param name="Key">An API client's <c>Idempotency-Key</c>; the same within 24 h returns the first result.</param>
public sealed record Stamp(DateTimeOffset Time, string? Client = null, string? User = null, long? Ref = null, string? Key = null);

/// <summary>One entry of a session's log.</summary>
public sealed record LogRecord(Operation Operation, Stamp Stamp);
