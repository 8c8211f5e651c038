using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Serialization;

namespace Livebook.Core.Text;

/// <summary>
/// A change of a text of <see cref="LengthBefore"/> UTF-16 units, in CodeMirror's terms and JSON form: <c>n</c> keeps n units, <c>[n]</c>
/// deletes n, <c>[n,"l1","l2"]</c> replaces n by lines joined with <c>\n</c>. How the text is cut into sections decides ties between
/// authors, so it is the same as CodeMirror's to the letter. Immutable.
/// </summary>
[JsonConverter(typeof(ChangeSetJson))]
public sealed class ChangeSet
{
    internal ChangeSet(ImmutableArray<ChangeSection> sections)
    {
        long before = 0;
        long after = 0;
        foreach (var section in sections)
        {
            before += section.Length;
            after += section.LengthAfter;
        }
        if (before > int.MaxValue || after > int.MaxValue)
            throw new FormatException("a change set is longer than a text can be");
        Sections = sections;
        LengthBefore = (int)before;
        LengthAfter = (int)after;
    }

    internal ImmutableArray<ChangeSection> Sections { get; }

    /// <summary>Length of the text that it changes, in UTF-16 units.</summary>
    public int LengthBefore { get; }

    /// <summary>Length of the text that it makes, in UTF-16 units.</summary>
    public int LengthAfter { get; }

    /// <summary>It changes nothing.</summary>
    public bool IsEmpty => Sections is [] or [{ Keeps: true }];

    /// <summary>Replaces ranges of a text of <paramref name="length"/> units. Line ends become <c>\n</c>.</summary>
    /// <param name="edits">Sorted, not overlapping; offsets of the text before all of them.</param>
    /// <exception cref="ArgumentException">An edit is out of range, or not behind the one before it.</exception>
    public static ChangeSet Of(int length, IEnumerable<(int From, int To, string Insert)> edits)
    {
        var sections = new SectionList();
        var at = 0;
        foreach (var (from, to, insert) in edits)
        {
            if (from < at)
                throw new ArgumentException($"edits must be sorted and must not overlap: {from} comes after {at}", nameof(edits));
            if (to < from || to > length)
                throw new ArgumentException($"an edit must lie within the text of {length} characters, found {from} to {to}", nameof(edits));
            sections.Keep(from - at);
            sections.Replace(to - from, insert.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n'));
            at = to;
        }
        sections.Keep(length - at);
        return sections.ToChangeSet();
    }

    /// <summary>Reads CodeMirror's JSON form.</summary>
    /// <exception cref="FormatException">The text is not a change set.</exception>
    public static ChangeSet Parse(string json) => ChangeSetJson.Parse(Encoding.UTF8.GetBytes(json));

    /// <summary>The text behind the change.</summary>
    /// <exception cref="ArgumentException">The text has another length than <see cref="LengthBefore"/>.</exception>
    public string Apply(string text)
    {
        if (text.Length != LengthBefore)
            throw new ArgumentException($"the change is of a text of {LengthBefore} characters, the text has {text.Length}", nameof(text));
        return IsEmpty ? text : string.Create(LengthAfter, (text, Sections), Fill);

        static void Fill(Span<char> target, (string Text, ImmutableArray<ChangeSection> Sections) change)
        {
            var source = change.Text.AsSpan();
            foreach (var section in change.Sections)
            {
                (section.Insert ?? source[..section.Length]).CopyTo(target);
                target = target[section.LengthAfter..];
                source = source[section.Length..];
            }
        }
    }

    /// <summary>This change, for the text that <paramref name="other"/> makes of the same text. In a tie the other's insertion comes first.</summary>
    /// <param name="before">In a tie this change's insertion comes first.</param>
    /// <exception cref="ArgumentException">The two are not of texts of the same length.</exception>
    public ChangeSet Map(ChangeSet other, bool before = false)
    {
        if (other.LengthBefore != LengthBefore)
            throw new ArgumentException($"the change is of a text of {LengthBefore} characters, the other of one of {other.LengthBefore}", nameof(other));
        return other.IsEmpty ? this : ChangeMapping.Map(this, other, before);
    }

    /// <summary>Where a position of the text before is in the text behind the change.</summary>
    /// <param name="assoc">Below 0: stays in front of what is inserted there; else goes behind it.</param>
    /// <exception cref="ArgumentException">The position is outside of the text.</exception>
    public int MapPos(int pos, int assoc = -1)
    {
        if (pos < 0 || pos > LengthBefore)
            throw new ArgumentException($"position {pos} is outside of a text of {LengthBefore} characters", nameof(pos));
        var from = 0;
        var mapped = 0;
        foreach (var section in Sections)
        {
            var to = from + section.Length;
            if (section.Keeps)
            {
                if (to > pos)
                    return mapped + (pos - from);
            }
            else if (to > pos || (to == pos && assoc < 0 && section.Length == 0))
            {
                return pos == from || assoc < 0 ? mapped : mapped + section.LengthAfter;
            }
            mapped += section.LengthAfter;
            from = to;
        }
        return mapped;
    }

    /// <summary>CodeMirror's JSON form.</summary>
    public override string ToString() => ChangeSetJson.ToText(this);
}

/// <summary>One section of a change set.</summary>
/// <param name="Length">Units of the text before.</param>
/// <param name="Insert">What they become; null = they stay.</param>
internal readonly record struct ChangeSection(int Length, string? Insert)
{
    public bool Keeps => Insert is null;

    public int LengthAfter => Insert?.Length ?? Length;
}

/// <summary>Sections on their way to a change set: neighbours of one kind are joined as CodeMirror joins them.</summary>
internal sealed class SectionList
{
    private readonly ImmutableArray<ChangeSection>.Builder _sections = ImmutableArray.CreateBuilder<ChangeSection>();

    public void Keep(int length)
    {
        if (length == 0)
            return;
        if (_sections is [.., { Keeps: true } last])
            _sections[^1] = new ChangeSection(last.Length + length, null);
        else
            _sections.Add(new ChangeSection(length, null));
    }

    public void Replace(int length, string insert)
    {
        if (length == 0 && insert.Length == 0)
            return;
        if (insert.Length == 0 && _sections is [.., { Insert: "" } deletion])
            _sections[^1] = new ChangeSection(deletion.Length + length, "");
        else if (length == 0 && _sections is [.., { Length: 0 } insertion])
            _sections[^1] = new ChangeSection(0, insertion.Insert + insert);
        else
            _sections.Add(new ChangeSection(length, insert));
    }

    public ChangeSet ToChangeSet() => new(_sections.ToImmutable());
}
