using System.Collections.Immutable;
using Livebook.Server.Runtimes.Isolation;

namespace Livebook.Server.Runtimes;

/// <summary>How runtime processes are started.</summary>
public sealed record RuntimeOptions
{
    /// <summary>Directory of this node alone; sockets and the list of processes are kept below it.</summary>
    public required string DataPath { get; init; }

    /// <summary>The program: an executable or a <c>.dll</c>. Null: beside the server, in <c>runtime/</c>, or the build output next to the server's.</summary>
    public string? Program { get; init; }

    /// <summary>How many started processes wait for a session; 0 for none.</summary>
    public int Spares { get; init; } = 1;

    /// <summary>How long a used spare is not replaced: the session's first cell comes before it.</summary>
    public TimeSpan SpareDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a new process may take until it can evaluate.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a process may take to end by itself before it is killed.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Keeps notebook code away from the server's files and processes: as <see cref="User"/>, else in a user namespace, else by Landlock, else not,
    /// which is said.
    /// </summary>
    public bool Confine { get; init; }

    /// <summary>Who runs notebook code, when the server is root; null = the server's own user.</summary>
    public SystemUser? User { get; init; }

    /// <summary>Further variables of the server that user code must not see, beside <see cref="ServerVariables"/>.</summary>
    public ImmutableArray<string> HiddenVariables { get; init; } = [];
}
