using System.Collections.Immutable;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;

namespace Livebook.Core.Views;

/// <summary>Makes the authors' view of a state. Parts that did not change keep their identity, so that the differ passes over them.</summary>
public static class SessionProjection
{
    /// <summary>Characters of a deleted cell that the bin shows.</summary>
    private const int BinCharacters = 2_000;

    /// <param name="before">The state that <paramref name="seen"/> shows; both null for the first view.</param>
    public static SessionView View(SessionState state, SessionState? before = null, SessionView? seen = null)
    {
        if (seen is not null && ReferenceEquals(state, before))
            return seen;
        var sections =
            seen is not null && before!.Notebook.Sections == state.Notebook.Sections && ReferenceEquals(before.Notebook.Setup, state.Notebook.Setup)
                ? null
                : Sections(state.Notebook, seen);
        var touched = seen is null ? null : TouchedCells(state, before!);
        return new SessionView
        {
            Id = state.Id,
            Name = state.Notebook.Name,
            PersistOutputs = state.Notebook.PersistOutputs,
            AutosaveSeconds = state.Notebook.AutosaveSeconds ?? 0,
            DefaultLanguage = state.Notebook.DefaultLanguage,
            SectionOrder = sections is null ? seen!.SectionOrder : [.. state.Notebook.AllSections.Select(section => section.Id)],
            Sections = sections ?? seen!.Sections,
            Cells = touched is null ? Cells(state, before, seen) : Cells(state, touched, seen!.Cells),
            File = new FileView(state.File.State, state.File.Node, state.File.Path, state.File.SavedAt, state.File.Message),
            Runtime = Runtime(state, touched is not null && before!.Runtime.Status == "connected" ? seen!.Runtime.Status == "busy" : null),
            Bin = ReferenceEquals(state.Bin, before?.Bin) ? seen!.Bin : state.Bin.ToImmutableDictionary(entry => entry.Key, entry => BinOf(entry.Value)),
            Notices = ReferenceEquals(state.Notices, before?.Notices)
                ? seen!.Notices
                : state.Notices.ToImmutableDictionary(entry => entry.Key, entry => new NoticeView(entry.Value.Level, entry.Value.Text)),
            FileEntries =
                ReferenceEquals(state.Attachments, before?.Attachments) && ReferenceEquals(state.Notebook.ExtraMetadata, before?.Notebook.ExtraMetadata)
                    ? seen!.FileEntries
                    : FileEntriesOf(state),
            Secrets =
                seen is not null && ReferenceEquals(state.Secrets, before!.Secrets) && ReferenceEquals(state.AllowedSecrets, before.AllowedSecrets)
                    ? seen.Secrets
                    : Secrets(state),
        };
    }

    private static ImmutableDictionary<string, FileEntryView> FileEntriesOf(SessionState state)
    {
        var views = ImmutableDictionary.CreateBuilder<string, FileEntryView>();
        foreach (var entry in state.Notebook.ListedFiles())
            views[entry.Name] = new FileEntryView(entry.Type, 0, null, entry.Location);
        foreach (var (name, attachment) in state.Attachments)
            views[name] = new FileEntryView(FileEntry.AttachmentType, attachment.Size, attachment.Hash, null);
        return views.ToImmutable();
    }

    /// <summary>The value of an output that does not travel inline, by its hash; null when no output has it.</summary>
    public static (string MimeType, string Value)? Blob(SessionState state, string hash)
    {
        foreach (var cell in state.Cells.Values)
        {
            foreach (var output in cell.Outputs)
            {
                foreach (var (mimeType, value) in output.Data ?? ImmutableSortedDictionary<string, StoredValue>.Empty)
                {
                    if (value.Hash == hash)
                        return (mimeType, value.Value);
                }
            }
        }
        return null;
    }

    private static ImmutableDictionary<string, string> Secrets(SessionState state) =>
        state
            .AllowedSecrets.Select(name => KeyValuePair.Create(name, "workspace"))
            .Concat(state.Secrets.Keys.Select(name => KeyValuePair.Create(name, "session")))
            .ToImmutableDictionary();

    private static ImmutableDictionary<string, SectionView> Sections(Notebook notebook, SessionView? seen)
    {
        var views = ImmutableDictionary.CreateBuilder<string, SectionView>();
        foreach (var section in notebook.AllSections)
        {
            var old = seen?.Sections.GetValueOrDefault(section.Id);
            views[section.Id] =
                old is not null
                && old.Name == section.Name
                && old.Parent == section.Parent
                && old.Cells.AsSpan().SequenceEqual([.. section.Cells.Select(cell => cell.Id)])
                    ? old
                    : new SectionView(section.Name, section.Parent, [.. section.Cells.Select(cell => cell.Id)]);
        }
        return views.ToImmutable();
    }

    private static ImmutableDictionary<string, CellView> Cells(SessionState state, List<Cell> touched, ImmutableDictionary<string, CellView> seen) =>
        seen.SetItems(touched.Select(cell => KeyValuePair.Create(cell.Id, Touched(cell, state, seen[cell.Id]))));

    private static ImmutableDictionary<string, CellView> Cells(SessionState state, SessionState? before, SessionView? seen)
    {
        var places = Flow.Walk(state.Notebook);
        var snapshots = Flow.Snapshots(state, places);
        var sameNotebook = ReferenceEquals(before?.Notebook, state.Notebook);
        var views = seen?.Cells.ToBuilder() ?? ImmutableDictionary.CreateBuilder<string, CellView>();
        var count = 0;
        foreach (var section in state.Notebook.AllSections)
        {
            foreach (var cell in section.Cells)
            {
                count++;
                var old = seen?.Cells.GetValueOrDefault(cell.Id);
                var known = state.StateOf(cell.Id);
                var validity = Validity(known, places.Find(cell.Id) is { } place ? snapshots[place.Index] : null);
                if (sameNotebook && old?.Validity == validity && ReferenceEquals(before!.StateOf(cell.Id), known))
                    continue;
                var view = CellOf(cell, section.Id, known, validity, old);
                if (!view.Equals(old))
                    views[cell.Id] = view;
            }
        }
        if (views.Count > count)
        {
            var present = state.Notebook.Cells.Select(cell => cell.Id).ToHashSet();
            views.RemoveRange(views.Keys.Where(id => !present.Contains(id)).ToArray());
        }
        return views.ToImmutable();
    }

    /// <summary>
    /// The cells whose view may differ, when nothing happened that can make other cells stale: text was edited, or something was put out.
    /// That is most of what happens, and must not cost a walk over the whole notebook. Null when everything has to be looked at.
    /// </summary>
    private static List<Cell>? TouchedCells(SessionState state, SessionState before)
    {
        if (ReferenceEquals(before.Notebook, state.Notebook) && ReferenceEquals(before.Cells, state.Cells))
            return [];
        if (before.Notebook.Sections.Length != state.Notebook.Sections.Length)
            return null;
        var touched = new List<Cell>();
        foreach (var (old, section) in before.Notebook.AllSections.Zip(state.Notebook.AllSections))
        {
            if (old.Id != section.Id || old.Parent != section.Parent || old.Cells.Length != section.Cells.Length)
                return null;
            for (var i = 0; i < section.Cells.Length; i++)
            {
                var (was, cell) = (old.Cells[i], section.Cells[i]);
                if (was.Id != cell.Id || was.GetType() != cell.GetType())
                    return null;
                var (stateBefore, stateNow) = (before.StateOf(cell.Id), state.StateOf(cell.Id));
                if (ReferenceEquals(was, cell) && ReferenceEquals(stateBefore, stateNow))
                    continue;
                if (
                    stateBefore.Status != stateNow.Status
                    || stateBefore.Validity != stateNow.Validity
                    || stateBefore.Errored != stateNow.Errored
                    || stateBefore.Evaluation != stateNow.Evaluation
                    || stateBefore.Snapshot != stateNow.Snapshot
                    || stateBefore.EvaluatedSource != stateNow.EvaluatedSource
                    || (was as EvaluableCell)?.Language != (cell as EvaluableCell)?.Language
                )
                    return null;
                touched.Add(cell);
            }
        }
        return touched;
    }

    private static CellView Touched(Cell cell, SessionState state, CellView seen)
    {
        var view = CellOf(cell, seen.Section, state.StateOf(cell.Id), seen.Validity, seen);
        return view.Equals(seen) ? seen : view;
    }

    private static CellView CellOf(Cell cell, string section, CellState state, string validity, CellView? old)
    {
        if (cell is not EvaluableCell code)
            return new CellView { Kind = "markdown", Section = section };
        var outputs = Outputs(state, old);
        return new CellView
        {
            Kind = cell is SmartCell ? "smart" : "code",
            Section = section,
            Language = code.Language,
            Status = state.Status switch
            {
                CellStatus.Queued => "queued",
                CellStatus.Evaluating => "evaluating",
                _ => "ready",
            },
            Validity = validity,
            Errored = state.Errored,
            Changed = state.Validity != CellValidity.Fresh && state.EvaluatedSource != cell.Source,
            Evaluations = state.Evaluation,
            StartedAt = state.StartedAt,
            DurationMs = state.DurationMs,
            Progress = state.Progress,
            ReevaluateAutomatically = code.ReevaluateAutomatically,
            ContinueOnError = code is CodeCell { ContinueOnError: true },
            OutputSize = code.OutputSize,
            OutputOrder = outputs.Order,
            Outputs = outputs.Views,
            Diagnostics = state.Diagnostics,
            DiagnosticsRevision = state.DiagnosticsRevision,
        };
    }

    /// <summary><c>fresh</c>, <c>evaluated</c>, <c>stale</c> or <c>aborted</c>.</summary>
    public static string Validity(CellState state, ulong? snapshot) =>
        state.Validity switch
        {
            CellValidity.Evaluated => state.Status == CellStatus.Evaluating || state.Snapshot == snapshot ? "evaluated" : "stale",
            CellValidity.Aborted => "aborted",
            _ => "fresh",
        };

    private static (ImmutableArray<string> Order, ImmutableDictionary<string, OutputView> Views) Outputs(CellState state, CellView? old)
    {
        if (state.Outputs.IsEmpty)
            return ([], old is { Outputs.IsEmpty: true } ? old.Outputs : ImmutableDictionary<string, OutputView>.Empty);
        var same = old is not null && old.OutputOrder.Length == state.Outputs.Length;
        var views = old?.Outputs ?? ImmutableDictionary<string, OutputView>.Empty;
        if (views.Count > 0 && !state.Outputs.Any(output => views.ContainsKey(output.Id)))
            views = ImmutableDictionary<string, OutputView>.Empty;
        for (var i = 0; i < state.Outputs.Length; i++)
        {
            var output = state.Outputs[i];
            same = same && old!.OutputOrder[i] == output.Id;
            if (!views.TryGetValue(output.Id, out var view) || !Shows(view, output))
                views = views.SetItem(output.Id, OutputOf(output));
        }
        if (views.Count > state.Outputs.Length)
            views = views.RemoveRange(views.Keys.Except(state.Outputs.Select(output => output.Id)));
        return (same ? old!.OutputOrder : [.. state.Outputs.Select(output => output.Id)], views);
    }

    /// <summary>Ids of outputs are never used twice in a cell, and only text streams grow: the same id with the same chunks is the same output.</summary>
    private static bool Shows(OutputView view, CellOutput output) =>
        view.Kind == output.Kind && ReferenceEquals(view.Chunks, output.Chunks) && view.Cut == output.Cut && ReferenceEquals(view.Error, output.Error);

    private static OutputView OutputOf(CellOutput output) =>
        new()
        {
            Kind = output.Kind,
            Chunks = output.Chunks,
            Cut = output.Cut,
            Data = output.Data?.ToImmutableSortedDictionary(
                entry => entry.Key,
                entry => entry.Value.Hash is { } hash ? new OutputData(null, hash, entry.Value.Value.Length) : new OutputData(entry.Value.Value)
            ),
            Error = output.Error,
        };

    /// <param name="busy">Whether a cell runs, if that is known already.</param>
    private static RuntimeView Runtime(SessionState state, bool? busy)
    {
        var runtime = state.Runtime;
        var status =
            runtime.Status != "connected" ? runtime.Status
            : busy ?? state.Cells.Values.Any(cell => cell.Status == CellStatus.Evaluating) ? "busy"
            : "idle";
        return new RuntimeView(status, runtime.Node, runtime.Pid, runtime.Framework, runtime.MemoryBytes, runtime.Message);
    }

    private static BinView BinOf(BinEntry entry) =>
        new(
            entry.Cell switch
            {
                MarkdownCell => "markdown",
                SmartCell => "smart",
                _ => "code",
            },
            (entry.Cell as EvaluableCell)?.Language,
            entry.Cell.Source.Length <= BinCharacters ? entry.Cell.Source : entry.Cell.Source[..BinCharacters],
            entry.SectionName,
            entry.DeletedAt
        );
}
