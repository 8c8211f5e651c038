namespace Livebook.Drill.Faults;

/// <summary>Which node a fault hits, by what it is to the session under load.</summary>
public enum Target
{
    /// <summary>Owns the session.</summary>
    Owner,

    /// <summary>Holds its second copy.</summary>
    Standby,

    /// <summary>Neither; with two nodes the standby.</summary>
    Other,
}

/// <summary>Something that goes wrong. Data only: <see cref="Nemesis"/> makes it happen.</summary>
public abstract record Fault
{
    /// <summary>SIGKILL, and a start on the same data path.</summary>
    public sealed record Kill(Target Target) : Fault;

    /// <summary>SIGKILL of every node at once, and a start of all.</summary>
    public sealed record KillAll : Fault;

    /// <summary>SIGSTOP, and SIGCONT after these seconds.</summary>
    public sealed record Freeze(Target Target, int Seconds) : Fault;

    /// <summary>SIGTERM, and a start on the same data path.</summary>
    public sealed record Stop(Target Target) : Fault;

    /// <summary>The same, and the others notice before it starts again: as a node does that was away for long.</summary>
    public sealed record Rejoin(Target Target) : Fault;

    /// <summary>SIGKILL of the session's runtime process.</summary>
    public sealed record KillRuntime : Fault;

    /// <summary>One node on one side of a cut, the others on the other.</summary>
    public sealed record Isolate(Target Target, int Seconds) : Fault;

    /// <summary>The owner and as many as are still no majority on one side of a cut, the others on the other.</summary>
    public sealed record Split(int Seconds) : Fault;

    /// <summary>Nothing arrives in one direction between two nodes.</summary>
    public sealed record CutOneWay(Target From, Target To, int Seconds) : Fault;

    /// <summary>Two nodes do not hear each other; both hear the others.</summary>
    public sealed record CutPair(Target One, Target Two, int Seconds) : Fault;

    /// <summary>A node's links are cut for half of each second.</summary>
    public sealed record Flap(Target Target, int Seconds) : Fault;

    /// <summary>Every link: 300 ms late, 5 % lost, 64 kB/s; every other second all connections of users are cut.</summary>
    public sealed record SlowNet(int Seconds) : Fault;

    /// <summary>The name exists and does not exist in turn, each second.</summary>
    public sealed record FlapDns(int Seconds) : Fault;

    /// <summary>Nobody answers questions about names.</summary>
    public sealed record SilenceDns(int Seconds) : Fault;

    /// <summary>The balancer ends every connection.</summary>
    public sealed record CutSockets : Fault;
}
