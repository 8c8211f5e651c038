using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Livebook.EndToEnd.World;

/// <summary>One edit that the server said is safe.</summary>
/// <param name="At">A <see cref="Stopwatch"/> timestamp.</param>
/// <param name="Epoch">Epoch of the session's owner that said it.</param>
internal sealed record Acknowledgement(string Token, long At, long Epoch);

/// <summary>What clients typed and what was acknowledged. Every edit inserts a token that no other edit inserts, so a text tells which edits it holds.</summary>
internal sealed partial class History
{
    private readonly ConcurrentQueue<Acknowledgement> _acknowledged = new();

    public ImmutableArray<Acknowledgement> Acknowledged => [.. _acknowledged];

    public static string Token(string author, int number) => $"<{author}{number}>";

    public void Acknowledge(string token, long epoch) => _acknowledged.Enqueue(new Acknowledgement(token, Stopwatch.GetTimestamp(), epoch));

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
