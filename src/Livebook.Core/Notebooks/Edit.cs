namespace Livebook.Core.Notebooks;

/// <summary>What came of a change to a notebook: the changed notebook, or why it was refused. Exactly one is set.</summary>
/// <param name="Value">The notebook after the change.</param>
/// <param name="Refusal">One sentence for whoever asked.</param>
public readonly record struct Edit(Notebook? Value, string? Refusal)
{
    public static implicit operator Edit(Notebook notebook) => new(notebook, null);

    public static Edit Refused(string reason) => new(null, reason);
}
