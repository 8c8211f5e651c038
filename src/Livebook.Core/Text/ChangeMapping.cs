namespace Livebook.Core.Text;

/// <summary>
/// Moves a change over another of the same text. Which change counts as first where both touch the same place follows mapSet of
/// @codemirror/state (MIT licence, Copyright (C) 2018-2021 by Marijn Haverbeke and others; see THIRD-PARTY-NOTICES.md).
/// </summary>
internal static class ChangeMapping
{
    public static ChangeSet Map(ChangeSet ours, ChangeSet theirs, bool before)
    {
        var sections = new SectionList();
        var a = new Cursor(ours);
        var b = new Cursor(theirs);
        // Index of the section of ours whose text is in the result already: a replacement is handled piece by piece when theirs cut through it.
        var inserted = -1;
        while (!a.Done || !b.Done)
        {
            if (a.Keeps && b.Keeps)
            {
                var length = Math.Min(a.Length, b.Length);
                sections.Keep(length);
                a.Forward(length);
                b.Forward(length);
            }
            else if (b.Changes && (!a.Changes || inserted == a.Index || (a.AtStart && (b.Length < a.Length || (b.Length == a.Length && !before)))))
            {
                // Theirs comes first: by where it starts, then by length, then by who goes first. It takes with it what of ours lies inside.
                sections.Keep(b.Insert.Length);
                for (var left = b.Length; left > 0; )
                {
                    var piece = Math.Min(a.Length, left);
                    if (a.Changes && inserted < a.Index && a.Length <= piece)
                    {
                        sections.Replace(0, a.Insert);
                        inserted = a.Index;
                    }
                    a.Forward(piece);
                    left -= piece;
                }
                b.Next();
            }
            else
            {
                // Ours, up to where theirs inserts something; what theirs deletes on the way is gone already.
                var length = 0;
                var left = a.Length;
                while (left > 0)
                {
                    if (b.Keeps)
                    {
                        var piece = Math.Min(left, b.Length);
                        length += piece;
                        left -= piece;
                        b.Forward(piece);
                    }
                    else if (b.Changes && b.Insert.Length == 0 && b.Length < left)
                    {
                        left -= b.Length;
                        b.Next();
                    }
                    else
                    {
                        break;
                    }
                }
                sections.Replace(length, inserted < a.Index ? a.Insert : "");
                inserted = a.Index;
                a.Forward(a.Length - left);
            }
        }
        return sections.ToChangeSet();
    }

    /// <summary>A place within the sections of a change.</summary>
    private struct Cursor
    {
        private readonly ChangeSet _changes;
        private string? _insert;

        public Cursor(ChangeSet changes)
        {
            _changes = changes;
            Index = -1;
            Next();
        }

        /// <summary>Index of the section.</summary>
        public int Index { get; private set; }

        /// <summary>What is left of the section, in units of the text before.</summary>
        public int Length { get; private set; }

        public bool AtStart { get; private set; }

        public readonly bool Done => Index >= _changes.Sections.Length;

        public readonly bool Keeps => !Done && _insert is null;

        public readonly bool Changes => _insert is not null;

        public readonly string Insert => _insert!;

        public void Next()
        {
            Index++;
            (Length, _insert) = Done ? default : _changes.Sections[Index];
            AtStart = true;
        }

        public void Forward(int length)
        {
            if (length == Length)
            {
                Next();
                return;
            }
            Length -= length;
            AtStart = false;
        }
    }
}
