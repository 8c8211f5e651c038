using System.Collections.Immutable;
using Livebook.Core.Notebooks;
using Livebook.Core.Wire;

namespace Livebook.Core.Sessions;

/// <summary>One operation on its way through the rules: the state so far, and the effects and text changes it caused.</summary>
internal sealed class Step(SessionState state, Stamp stamp)
{
    private readonly ImmutableArray<Effect>.Builder _effects = ImmutableArray.CreateBuilder<Effect>();
    private readonly ImmutableArray<StreamEntry>.Builder _text = ImmutableArray.CreateBuilder<StreamEntry>();

    public SessionState State { get; set; } = state;

    public Stamp Stamp { get; } = stamp;

    /// <summary>Why the operation cannot be; null while it can.</summary>
    public string? Refusal { get; private set; }

    /// <summary>Id of what the operation made.</summary>
    public string? Resource { get; set; }

    public ImmutableArray<Effect> Effects => _effects.ToImmutable();

    public ImmutableArray<StreamEntry> Text => _text.ToImmutable();

    public void Do(Effect effect) => _effects.Add(effect);

    public void Say(StreamEntry entry) => _text.Add(entry);

    public void Refuse(string reason) => Refusal ??= reason;

    /// <summary>Replaces the notebook by one that differs in what the file holds.</summary>
    public void Change(Notebook notebook)
    {
        State = State with { Notebook = notebook };
        FileRules.ContentChanged(this);
    }

    /// <summary>Takes the result of an edit of the notebook, or its refusal.</summary>
    public bool Take(Edit edit)
    {
        if (edit.Value is null)
        {
            Refuse(edit.Refusal ?? "this is not possible");
            return false;
        }
        Change(edit.Value);
        return true;
    }

    public void SetCell(string id, CellState cell) => State = State with { Cells = State.Cells.SetItem(id, cell) };

    public void Update(string id, Func<CellState, CellState> change) => SetCell(id, change(State.StateOf(id)));
}
