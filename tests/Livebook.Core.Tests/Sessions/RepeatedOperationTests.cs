using CsCheck;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Testing;

namespace Livebook.Core.Tests.Sessions;

/// <summary>What a page sends again after a break happens once if it happened, and is judged anew if it was refused.</summary>
public sealed class RepeatedOperationTests
{
    private static Stamp Ref(long number, string client = "tab") => new(A.Start, Client: client, Ref: number);

    private static ClientOperation Insert(long number) => new ClientOperation.InsertCell($"cell-{number:0000}", A.SectionId);

    /// <summary>Refused: there is no such cell.</summary>
    private static readonly ClientOperation Impossible = new ClientOperation.DeleteCell("cell-none");

    [Fact]
    public void A_refused_operation_is_refused_again_although_later_ones_were_accepted()
    {
        var session = A.Session(A.Code("cell-a"));
        session.Accept(Insert(1), Ref(1));
        Assert.IsType<Outcome.Rejected>(session.Apply(Impossible, Ref(2)));
        session.Accept(Insert(3), Ref(3));

        Assert.IsType<Outcome.Repeated>(session.Apply(Insert(1), Ref(1)));
        Assert.IsType<Outcome.Rejected>(session.Apply(Impossible, Ref(2)));
        Assert.IsType<Outcome.Repeated>(session.Apply(Insert(3), Ref(3)));
    }

    [Fact]
    public void What_is_possible_by_now_happens_once()
    {
        var session = A.Session(A.Code("cell-a"));
        Assert.IsType<Outcome.Rejected>(session.Apply(new ClientOperation.DeleteCell("cell-0002"), Ref(1)));
        session.Accept(Insert(2), Ref(2));
        session.Accept(new ClientOperation.DeleteCell("cell-0002"), Ref(1));
        Assert.IsType<Outcome.Repeated>(session.Apply(new ClientOperation.DeleteCell("cell-0002"), Ref(1)));
    }

    [Fact]
    public void Few_refs_are_remembered_however_far_a_client_jumps()
    {
        var session = A.Session(A.Code("cell-a"));
        session.Accept(Insert(1), Ref(long.MaxValue - 1));
        session.Accept(Insert(2), Ref(long.MaxValue));
        Assert.InRange(session.State.Refs["tab"].Open.Length, 0, 64);
        Assert.IsType<Outcome.Repeated>(session.Apply(Insert(3), Ref(1)));
    }

    [Fact]
    public void Every_accepted_operation_happens_exactly_once_whatever_is_sent_again() =>
        Gen.Int[0, 1_000_000]
            .Sample(
                seed =>
                {
                    var random = new Random(seed);
                    var session = A.Session(A.Code("cell-a"));
                    var accepted = new HashSet<long>();
                    var unanswered = new SortedDictionary<long, ClientOperation>();
                    for (long next = 1; next <= 40; next++)
                    {
                        unanswered[next] = random.Next(3) == 0 ? Impossible : Insert(next);
                        // The line breaks now and then: all that was not answered comes again, in order.
                        foreach (var (number, operation) in random.Next(4) == 0 ? unanswered.ToArray() : [KeyValuePair.Create(next, unanswered[next])])
                        {
                            var outcome = session.Apply(operation, Ref(number));
                            Assert.Equal(ReferenceEquals(operation, Impossible), outcome is Outcome.Rejected);
                            Assert.Equal(accepted.Contains(number), outcome is Outcome.Repeated);
                            if (outcome is Outcome.Accepted)
                                accepted.Add(number);
                            if (random.Next(2) == 0)
                                unanswered.Remove(number);
                        }
                    }
                    Assert.Equal(accepted.Count, session.State.Version);
                },
                iter: 200
            );

    [Fact]
    public void Keys_are_forgotten_oldest_first_when_there_are_very_many()
    {
        var session = A.Session(A.Code("cell-a"));
        for (var i = 0; i < 11_000; i++)
            session.Accept(new ClientOperation.RenameNotebook($"{i}"), new Stamp(A.Start, Key: $"key-{i}"));
        Assert.InRange(session.State.Keys.Count, 5_000, 10_500);
        Assert.IsType<Outcome.Repeated>(session.Apply(new ClientOperation.RenameNotebook("again"), new Stamp(A.Start, Key: "key-10999")));
        Assert.IsType<Outcome.Repeated>(session.Apply(new ClientOperation.RenameNotebook("again"), new Stamp(A.Start, Key: "key-2000")));
    }
}
