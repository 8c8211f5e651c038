using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Livebook.Drill.Pages;

/// <summary>One edit that the server said is safe.</summary>
/// <param name="Asked">When it was typed: a <see cref="Stopwatch"/> timestamp.</param>
/// <param name="At">A <see cref="Stopwatch"/> timestamp.</param>
/// <param name="Epoch">Epoch of the session's owner that said it.</param>
public sealed record Acknowledgement(string Token, long Asked, long At, long Epoch);

/// <summary>What clients typed and what was acknowledged. Every edit inserts a token that no other edit inserts, so a text tells which edits it holds.</summary>
public sealed partial class History
{
    private readonly ConcurrentQueue<Acknowledgement> _acknowledged = new();

    public ImmutableArray<Acknowledgement> Acknowledged => [.. _acknowledged];

    public static string Token(string author, int number) => $"<{author}{number}>";

    /// <summary>Notes that the server said now that an edit is safe.</summary>
    public void Acknowledge(string token, long asked, long epoch) => _acknowledged.Enqueue(new Acknowledgement(token, asked, Stopwatch.GetTimestamp(), epoch));

    /// <summary>The longest that an edit waited that was not safe yet at <paramref name="from"/>, or was typed later.</summary>
    public TimeSpan LongestWaitSince(long from) =>
        _acknowledged.Where(edit => edit.At >= from).Select(edit => Stopwatch.GetElapsedTime(edit.Asked, edit.At)).DefaultIfEmpty(TimeSpan.Zero).Max();

    /// <summary>Time from then to the first edit that an owner of this epoch acknowledged; null: there is none.</summary>
    public TimeSpan? FirstAcknowledgedAfter(long timestamp, long epoch) =>
        _acknowledged.FirstOrDefault(edit => edit.At > timestamp && edit.Epoch >= epoch) is { } first ? Stopwatch.GetElapsedTime(timestamp, first.At) : null;

    /// <summary>What is wrong with a final text: acknowledged edits that are missing, and edits that happened twice. Empty: nothing.</summary>
    public ImmutableArray<string> Violations(string text)
    {
        var counts = TokenPattern().Matches(text).CountBy(match => match.Value).ToDictionary();
        var missing = _acknowledged
            .Select(edit => edit.Token)
            .Distinct()
            .Where(token => !counts.ContainsKey(token))
            .Select(token => $"{token} was acknowledged and is missing");
        var doubled = counts.Where(count => count.Value > 1).Select(count => $"{count.Key} is there {count.Value} times");
        return [.. missing, .. doubled];
    }

    [GeneratedRegex("<[a-z]+[0-9]+>")]
    private static partial Regex TokenPattern();
}
