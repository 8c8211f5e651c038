using System.Collections.Immutable;
using System.Net;

namespace Livebook.Cluster.Discovery;

/// <summary>One answer of discovery: addresses, or why there are none. Never both.</summary>
internal sealed record Hint(ImmutableArray<IPAddress> Addresses, string? Error)
{
    /// <summary>The answer is still on its way; says nothing either way.</summary>
    public static readonly Hint Pending = new([], "no answer yet");

    public bool IsGood => Error is null;

    public bool IsPending => ReferenceEquals(this, Pending);

    public static Hint Failed(string error) => new([], error);
}

/// <summary>Says where other nodes may be.</summary>
internal interface IHints
{
    /// <summary>Never throws but when it is stopped; an answer takes seconds at most.</summary>
    Task<Hint> AskAsync(CancellationToken stop);
}
