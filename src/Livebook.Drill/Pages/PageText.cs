using System.Text.Json;
using Livebook.Core.Text;

namespace Livebook.Drill.Pages;

/// <summary>A cell's text as a page holds it: what the server confirmed, and at most one edit on its way.</summary>
public sealed class PageText(string editor, int revision, string text)
{
    public string Editor => editor;

    public int Revision { get; private set; } = revision;

    public string Confirmed { get; private set; } = text;

    /// <summary>The edit on its way, for the confirmed text; null when there is none or the stream has brought it.</summary>
    public ChangeSet? Pending { get; private set; }

    private string _inserts = "";

    /// <summary>Inserts behind the token that ends at or before <paramref name="near"/>, so that no token is ever cut.</summary>
    public void Insert(string token, int near)
    {
        var at = Confirmed.LastIndexOf('>', Math.Min(near, Confirmed.Length - 1)) + 1;
        _inserts = token;
        Pending = ChangeSet.Of(Confirmed.Length, [(at, at, token)]);
    }

    /// <summary>The next update of the stream.</summary>
    public void Receive(string author, ChangeSet changes)
    {
        Confirmed = changes.Apply(Confirmed);
        Revision++;
        Pending = author == editor ? null : Pending?.Map(changes);
    }

    /// <summary>The text as a whole.</summary>
    public void Replace(int revision, string text)
    {
        (Revision, Confirmed) = (revision, text);
        if (Pending is not null)
            Pending = text.Contains(_inserts, StringComparison.Ordinal) ? null : ChangeSet.Of(text.Length, [(text.Length, text.Length, _inserts)]);
    }

    /// <summary>What a join brought: the whole text, or the updates behind the revision that the page named.</summary>
    public void Join(JsonElement state)
    {
        if (state.GetProperty("text") is { ValueKind: JsonValueKind.String } whole)
        {
            Replace(state.GetProperty("revision").GetInt32(), whole.GetString()!);
            return;
        }
        foreach (var update in state.GetProperty("updates").EnumerateArray())
            Receive(update.GetProperty("editor").GetString()!, ChangeSet.Parse(update.GetProperty("changes").GetRawText()));
        if (Revision != state.GetProperty("revision").GetInt32())
            throw new InvalidDataException($"the updates of a join led to revision {Revision}, not to {state.GetProperty("revision")}");
    }
}
