namespace Livebook.Drill.Load;

/// <summary>What a simulated user does beside typing.</summary>
public enum UserAct
{
    /// <summary>Makes a cell in the page and evaluates it.</summary>
    RunInPage,

    /// <summary>Makes a cell in the page and evaluates it by the API, asking again until there is an answer.</summary>
    RunByApi,

    /// <summary>Makes a cell by the API, asking again until there is an answer.</summary>
    MakeByApi,
}

/// <summary>What one user does and how long they wait in between: a pure function of the seed.</summary>
/// <param name="Acts">Whether they do anything but type.</param>
public sealed record UserPlan(int Seed, int FastestPause, int LongestPause, bool Acts)
{
    /// <summary>A user of a drill: types a few edits a second, makes and runs a cell now and then.</summary>
    public static UserPlan Of(int seed, int session, int user) => new(HashCode(seed, session, user), 40, 140, Acts: true);

    /// <summary>Types without a pause to speak of, and does nothing else.</summary>
    public static UserPlan Typist(int user) => new(user, 10, 10, Acts: false);

    /// <summary>The edits, for ever: whether each is a script's instead of the page's, and the milliseconds behind it.</summary>
    public IEnumerable<(bool ByApi, int Pause)> Edits()
    {
        var random = new Random(Seed);
        while (true)
            yield return (Acts && random.Next(4) == 0, random.Next(FastestPause, LongestPause + 1));
    }

    /// <summary>The other acts and the milliseconds before each, for ever.</summary>
    public IEnumerable<(UserAct Act, int Pause)> Others()
    {
        var random = new Random(~Seed);
        while (true)
            yield return ((UserAct)random.Next(3), random.Next(500, 2000));
    }

    /// <summary>The same in every process, unlike <see cref="System.HashCode"/>.</summary>
    private static int HashCode(int seed, int session, int user) => unchecked(((seed * 397) ^ (session * 7919)) * 31 + user);
}
