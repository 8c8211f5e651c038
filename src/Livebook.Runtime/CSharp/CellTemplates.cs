using Microsoft.CodeAnalysis.CSharp;

namespace Livebook.Runtime.CSharp;

/// <summary>
/// Compilations for the next cell behind a link, still without text. Binding the references takes a tenth of the time of a trivial cell,
/// so it is done between cells; a compilation that only exchanges its text keeps what was bound.
/// </summary>
internal sealed class CellTemplates
{
    /// <summary>A template holds some hundred kilobytes: only the places where work goes on have one.</summary>
    private const int Kept = 4;

    private readonly Lock gate = new();

    /// <summary>Weak, because a link holds the variables of its cells.</summary>
    private readonly LinkedList<(WeakReference<ChainLink> Parent, CSharpCompilation Template)> recent = [];

    /// <summary>The prepared compilation behind a link, a new one otherwise. It is handed out once: its name becomes the name of loaded code.</summary>
    public CSharpCompilation Take(ChainLink parent)
    {
        lock (gate)
            if (Find(parent) is { } found)
            {
                recent.Remove(found);
                return found.Value.Template;
            }
        return CellCompiler.Template(parent);
    }

    /// <summary>The same, for a look at a text that is not going to be run.</summary>
    public CSharpCompilation Borrow(ChainLink parent)
    {
        Prepare(parent);
        lock (gate)
            return Find(parent)?.Value.Template ?? CellCompiler.Template(parent);
    }

    /// <summary>Makes one for the next cell behind the link.</summary>
    public void Prepare(ChainLink parent)
    {
        lock (gate)
            if (Find(parent) is { } found)
            {
                recent.Remove(found);
                recent.AddFirst(found);
                return;
            }
        var template = CellCompiler.Template(parent);
        // Asking for anything global binds the references.
        _ = template.GlobalNamespace;
        lock (gate)
        {
            if (Find(parent) is not null)
                return;
            recent.AddFirst((new WeakReference<ChainLink>(parent), template));
            if (recent.Count > Kept)
                recent.RemoveLast();
        }
    }

    private LinkedListNode<(WeakReference<ChainLink> Parent, CSharpCompilation Template)>? Find(ChainLink parent)
    {
        for (var node = recent.First; node is not null; node = node.Next)
            if (node.Value.Parent.TryGetTarget(out var link) && link == parent)
                return node;
        return null;
    }
}
