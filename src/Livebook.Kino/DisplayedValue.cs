using System.Diagnostics.CodeAnalysis;

namespace Livebook.Kino;

/// <summary>Something that was displayed and may change.</summary>
public sealed class DisplayedValue
{
    /// <summary>Shows the new value, below what was shown before.</summary>
    [SuppressMessage("Performance", "CA1822", Justification = "Notebooks call it on what display returned.")]
    public void Update(object? value) => Notebook.display(value);
}
