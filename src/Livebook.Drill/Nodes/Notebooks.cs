using System.Text.Json;

namespace Livebook.Drill.Nodes;

/// <summary>Where a session is.</summary>
public sealed record Place(string Owner, string? Standby, long Epoch);

/// <summary>What is asked of a session by the API.</summary>
public static class Notebooks
{
    /// <summary>Code that writes and never ends.</summary>
    public const string Endless = "for (var i = 0; ; i++) { System.Console.WriteLine(i); System.Threading.Thread.Sleep(50); }";

    public static async Task<string> CreateSessionAsync(this Node node, string name, CancellationToken stop) =>
        (await node.PostAsync("sessions", new { name }, stop)).GetProperty("id").GetString()!;

    public static async Task<string> AddCellAsync(this Node node, string session, string kind, string source, CancellationToken stop) =>
        (await node.PostAsync($"sessions/{session}/cells", new { kind, source }, stop)).GetProperty("id").GetString()!;

    /// <summary>Evaluates a cell and waits for it; the entry of the answer that is about it.</summary>
    public static async Task<JsonElement> EvaluateAsync(this Node node, string session, string cell, CancellationToken stop) =>
        (await node.PostAsync($"sessions/{session}/evaluations", new { cells = new[] { cell }, wait = 60 }, stop))
            .GetProperty("evaluations")
            .EnumerateArray()
            .Single(evaluation => evaluation.GetProperty("cell").GetString() == cell);

    /// <summary>The text of a cell's result.</summary>
    /// <exception cref="UnexpectedAnswerException">It was not evaluated to an end.</exception>
    public static string ResultOf(JsonElement evaluation) =>
        evaluation.GetProperty("status").GetString() == "ok"
            ? evaluation.GetProperty("outputs").EnumerateArray().Select(output => output.GetProperty("data").GetProperty("text/plain").GetString()!).Last()
            : throw new UnexpectedAnswerException(evaluation.ToString());

    /// <summary>Every cell's source by id.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> SourcesAsync(this Node node, string session, CancellationToken stop) =>
        (await node.GetAsync($"sessions/{session}/notebook?format=json", stop))
            .GetProperty("sections")
            .EnumerateArray()
            .SelectMany(section => section.GetProperty("cells").EnumerateArray())
            .ToDictionary(cell => cell.GetProperty("id").GetString()!, cell => cell.GetProperty("source").GetString()!);

    /// <summary>Owner, standby and epoch of every session, as the node lists them.</summary>
    public static async Task<IReadOnlyDictionary<string, Place>> PlacesAsync(this Node node, CancellationToken stop) =>
        (await node.GetAsync("sessions?limit=1000", stop))
            .EnumerateArray()
            .ToDictionary(
                session => session.GetProperty("id").GetString()!,
                session => new Place(
                    session.GetProperty("node").GetString()!,
                    session.GetProperty("standby").GetString(),
                    session.GetProperty("epoch").GetInt64()
                )
            );

    /// <summary>The full names of the members that a node counts and that answer it.</summary>
    public static async Task<IReadOnlySet<string>> MembersAsync(this Node node, CancellationToken stop) =>
        (await node.GetAsync("cluster", stop))
            .GetProperty("nodes")
            .EnumerateArray()
            .Where(member => member.GetProperty("status").GetString() == "up")
            .Select(member => member.GetProperty("name").GetString()!)
            .ToHashSet();

    /// <summary>Waits until every node lists a session at the same owner, who has a standby.</summary>
    /// <param name="withStandby">False: also without one, where nobody replicates.</param>
    public static async Task<Place> UntilAgreedAsync(this IReadOnlyCollection<Node> nodes, string session, CancellationToken stop, bool withStandby = true)
    {
        Place? agreed = null;
        await Wait.UntilAsync(
            async () =>
            {
                var places = await Task.WhenAll(nodes.Select(async node => (await node.PlacesAsync(stop)).GetValueOrDefault(session)));
                agreed = places.Distinct().Count() == 1 ? places[0] : null;
                return agreed is not null && (agreed.Standby is not null || !withStandby);
            },
            $"all nodes list session {session} at one owner with a standby",
            stop
        );
        return agreed!;
    }
}
