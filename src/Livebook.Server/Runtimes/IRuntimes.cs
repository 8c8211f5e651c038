using System.Collections.Immutable;
using Livebook.Protocol;
using Livebook.Server.Runtimes.Relay;

namespace Livebook.Server.Runtimes;

/// <summary>Where sessions get their runtime processes from.</summary>
public interface IRuntimes : IAsyncDisposable
{
    /// <summary>What notebook code can reach of the server's, as a sentence; null = nothing.</summary>
    Task<string?> Weakness => Task.FromResult<string?>(null);

    /// <summary>Gives a session a runtime: a warm spare when there is one, else a new process. Completes when it can evaluate.</summary>
    /// <param name="onReport">Called for every report in order, one at a time; the next is delivered when it completes (back-pressure).</param>
    /// <param name="onDown">Called once when the process is gone, with the reason in words for a person.</param>
    /// <exception cref="RuntimeStartException">The process could not be started or did not answer in time; the message says why.</exception>
    Task<IRuntime> StartAsync(RuntimeRequest request, Func<ReportFrame, Task> onReport, Action<string> onDown, CancellationToken stop);

    /// <summary>Connects again to the runtime of a session that this server started before it was restarted; null when there is none alive.</summary>
    /// <param name="lastReport">Sequence of the last report that is in the session's log.</param>
    Task<IRuntime?> AdoptAsync(
        RuntimeRequest request,
        string runtimeId,
        long lastReport,
        Func<ReportFrame, Task> onReport,
        Action<string> onDown,
        CancellationToken stop
    );

    /// <summary>
    /// Opens the connection of a session's runtime on this machine for the session's owner on another node, which speaks the runtime's protocol
    /// on it from behind the greeting on. Whoever was connected before is not any more. Null when there is no such runtime alive.
    /// </summary>
    Task<Stream?> OpenAsync(RuntimeCall call, CancellationToken stop) => Task.FromResult<Stream?>(null);
}

public sealed record RuntimeRequest(string Session, long Epoch, string Directory, string? NotebookPath, ImmutableSortedDictionary<string, string> Environment);

/// <summary>One runtime process.</summary>
public interface IRuntime : IAsyncDisposable
{
    /// <summary>Unique id of the process; stored in the session so that a returning server can find it.</summary>
    string Id { get; }
    int Pid { get; }
    string Framework { get; }

    /// <summary>Sends a command; in order. Lost silently when the process is gone (onDown tells).</summary>
    void Send(RuntimeCommand command);

    /// <summary>Ends the process and its children. <see cref="IAsyncDisposable.DisposeAsync"/> does the same; <see cref="Detach"/> does not.</summary>
    Task StopAsync();

    /// <summary>Leaves the process running for the server that comes back within 60 s.</summary>
    void Detach();
}

public sealed class RuntimeStartException(string message) : Exception(message);
