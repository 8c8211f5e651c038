using System.Text.RegularExpressions;
using Livebook.Core.Notebooks;

namespace Livebook.Core.Sessions;

/// <summary>Files kept with the notebook: the state holds name, hash and size; the contents are in the nodes' stores (F4, P6, L1–L3).</summary>
internal static partial class AttachmentRules
{
    /// <summary>Files of one notebook at most.</summary>
    private const int MostAttachments = 1_000;

    [GeneratedRegex(@"^[0-9a-f]{64}\z")]
    private static partial Regex HashPattern { get; }

    public static void Stored(Step step, SystemOperation.AttachmentStored operation)
    {
        if (!NameFits(step, operation.Name))
            return;
        if (!HashPattern.IsMatch(operation.Hash) || operation.Size < 0)
            step.Refuse("a content is named by its SHA-256 and its size");
        else if (step.State.Attachments.Count >= MostAttachments && !step.State.Attachments.ContainsKey(operation.Name))
            step.Refuse($"a notebook keeps at most {MostAttachments} files");
        else
            Put(step, operation.Name, new Attachment(operation.Hash, operation.Size, step.Stamp.Time));
    }

    private static bool NameFits(Step step, string name)
    {
        if (FileEntries.FaultOf(name) is { } fault)
            step.Refuse($"the name of a file {fault}");
        return step.Refusal is null;
    }

    private static void Put(Step step, string name, Attachment attachment)
    {
        step.State = step.State with { Attachments = step.State.Attachments.SetItem(name, attachment) };
        List(step, step.State.Notebook.WithAttachment(name));
        step.Do(new Effect.PlaceAttachments());
    }

    private static void List(Step step, Notebook notebook)
    {
        if (!ReferenceEquals(notebook, step.State.Notebook))
            step.Change(notebook);
    }

    public static void Delete(Step step, string name)
    {
        var listed = step.State.Notebook.WithoutFileEntry(name);
        if (!step.State.Attachments.TryGetValue(name, out var attachment) && ReferenceEquals(listed, step.State.Notebook))
        {
            step.Refuse($"there is no file {name}");
            return;
        }
        step.State = step.State with { Attachments = step.State.Attachments.Remove(name) };
        List(step, listed);
        if (attachment is not null)
            step.Do(new Effect.RemoveAttachment(name, attachment.Hash));
    }

    public static void Rename(Step step, string name, string newName)
    {
        if (!step.State.Attachments.TryGetValue(name, out var attachment))
        {
            step.Refuse($"there is no file {name}");
            return;
        }
        if (name == newName || !NameFits(step, newName))
            return;
        Delete(step, name);
        Put(step, newName, attachment);
    }

    /// <summary>What the notebook read again does not list is not its file any more; the content stays where it is.</summary>
    public static void Reloaded(Step step)
    {
        var listed = step.State.Notebook.ListedFiles().Select(entry => entry.Name).ToHashSet();
        step.State = step.State with { Attachments = step.State.Attachments.RemoveRange(step.State.Attachments.Keys.Where(name => !listed.Contains(name))) };
        PlaceAll(step);
    }

    public static void PlaceAll(Step step)
    {
        if (!step.State.Attachments.IsEmpty || step.State.Notebook.ListedFiles().Any(entry => entry.Type == FileEntry.AttachmentType))
            step.Do(new Effect.PlaceAttachments());
    }
}
