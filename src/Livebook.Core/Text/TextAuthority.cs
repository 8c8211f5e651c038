using System.Collections.Immutable;

namespace Livebook.Core.Text;

/// <summary>Who decides on the order of a text's updates.</summary>
public static class TextAuthority
{
    /// <summary>
    /// The updates of an editor as they apply to the present text. Rebased over one accepted update at a time, in the order and in the units
    /// in which everybody received them: over their composition ties fall differently, and editors would diverge.
    /// </summary>
    /// <param name="missed">Updates accepted since the revision that the first of <paramref name="updates"/> refers to.</param>
    /// <param name="editor">Id of the editor instance: what of it is among the missed was accepted before and is left out.</param>
    /// <exception cref="ArgumentException">An update does not fit the text.</exception>
    public static ImmutableArray<ChangeSet> Accept(IReadOnlyList<(string Editor, ChangeSet Changes)> missed, string editor, IReadOnlyList<ChangeSet> updates)
    {
        var mine = updates.ToList();
        foreach (var (theirEditor, changes) in missed)
        {
            if (mine.Count == 0)
                break;
            if (theirEditor == editor)
            {
                mine.RemoveAt(0);
                continue;
            }
            var theirs = changes;
            for (var i = 0; i < mine.Count; i++)
            {
                var own = mine[i];
                mine[i] = own.Map(theirs);
                theirs = theirs.Map(own, before: true);
            }
        }
        return [.. mine];
    }
}
