using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Livebook.Core.Json;
using Livebook.Core.Sessions;
using Livebook.Core.Tests.Oracle;
using Livebook.Core.Views;
using Livebook.Drill.Pages;
using Livebook.Testing;

namespace Livebook.Core.Tests.Views;

public sealed class DiffSessionTests(EditorOracle oracle)
{
    private sealed record Verdict(JsonElement? Failure);

    [Fact]
    public void Patches_keep_a_page_equal_to_the_view() =>
        Gen.Int[0, 1_000_000]
            .Sample(
                seed =>
                {
                    var page = default(JsonNode);
                    foreach (var (patch, view) in Steps(seed))
                    {
                        page = patch is null ? view : PatchApplier.Apply(page, patch);
                        Assert.True(JsonNode.DeepEquals(page, view), $"the page has {page}, the view is {view}");
                        page = page!.DeepClone();
                    }
                },
                iter: 60
            );

    [Fact]
    public Task Patches_keep_a_browsers_page_equal_to_the_view() =>
        oracle.TalkAsync(
            async talk =>
            {
                for (var seed = 1; seed <= 20; seed++)
                {
                    var steps = Steps(seed).ToArray();
                    var verdict = await talk.AskAsync<Verdict>(
                        new
                        {
                            Do = "follow",
                            Start = steps[0].View,
                            Steps = steps.Skip(1).Select((step, i) => new { Ops = step.Patch, View = i % 10 == 0 || i == steps.Length - 2 ? step.View : null }),
                        }
                    );
                    Assert.True(verdict.Failure is null or { ValueKind: JsonValueKind.Null }, $"seed {seed}: {verdict.Failure}");
                }
            },
            TestContext.Current.CancellationToken
        );

    /// <summary>The first view, then each change as a patch with the view, made from nothing, that must come of it.</summary>
    private static List<(JsonArray? Patch, JsonNode View)> Steps(int seed)
    {
        var steps = new List<(JsonArray?, JsonNode)>();
        SessionState? state = null;
        SessionView? seen = null;
        RandomOperations.Session(
            seed,
            200,
            session =>
            {
                var view = SessionProjection.View(session.State, state, seen);
                var fresh = JsonSerializer.SerializeToNode(session.View, WireJson.Default.SessionView)!;
                if (seen is null)
                    steps.Add((null, fresh));
                else if (Diff.Write(seen, view, WireJson.Default.SessionView) is { } patch)
                    steps.Add((JsonNode.Parse(patch)!.AsArray(), fresh));
                else
                    Assert.True(JsonNode.DeepEquals(steps[^1].Item2, fresh));
                (state, seen) = (session.State, view);
            }
        );
        return steps;
    }
}
