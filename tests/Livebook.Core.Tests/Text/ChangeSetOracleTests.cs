using System.Collections.Immutable;
using Livebook.Core.Tests.Oracle;
using Livebook.Core.Text;

namespace Livebook.Core.Tests.Text;

public sealed class ChangeSetOracleTests(EditorOracle oracle)
{
    private sealed record Case(string Text, ChangeSet A, ChangeSet B, ImmutableArray<int> Positions);

    private sealed record Request(string Do, int Seed, int Count);

    private sealed record Answer(ImmutableArray<Case> Cases);

    private sealed record Result(ChangeSet A, int[] Lengths, string Applied, ChangeSet After, ChangeSet Before, string Both, int[] Positions);

    private sealed record Verdict(ImmutableArray<Failure> Failures);

    private sealed record Failure(string Name, string Wanted, string Found, string Case);

    [Fact]
    public Task Change_sets_are_the_editors_to_the_letter() =>
        oracle.TalkAsync(
            async talk =>
            {
                for (var seed = 1; seed <= 60; seed++)
                {
                    var answer = await talk.AskAsync<Answer>(new Request("cases", seed, 2_000));
                    var verdict = await talk.AskAsync<Verdict>(new { Do = "verify", Results = answer.Cases.Select(Work) });
                    Assert.True(verdict.Failures.IsEmpty, $"seed {seed}: {string.Join("\n", verdict.Failures)}");
                }
            },
            TestContext.Current.CancellationToken
        );

    private static Result Work(Case one)
    {
        var (text, a, b, positions) = one;
        var after = a.Map(b);
        return new Result(
            a,
            [a.LengthBefore, a.LengthAfter],
            a.Apply(text),
            after,
            a.Map(b, before: true),
            after.Apply(b.Apply(text)),
            [.. positions.SelectMany(pos => (int[])[a.MapPos(pos, -1), a.MapPos(pos, 1)])]
        );
    }
}
