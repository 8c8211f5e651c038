using Livebook.Cluster;
using Livebook.Server.Sessions;
using Microsoft.Extensions.Logging;

namespace Livebook.Server;

/// <summary>The steps of a drain. All of them have bounds, so that whatever hangs cannot hold up the end.</summary>
internal sealed partial class Departure(ICluster cluster, SessionHost host, Sessions.Sessions sessions, Pages pages, TimeProvider time, ILoggerFactory logs)
{
    /// <summary>Pages are sent away within this time at most.</summary>
    private static readonly TimeSpan LongestSpread = TimeSpan.FromSeconds(3);

    /// <summary>Load balancers get this long at most to notice that the node is not ready, before its pages are sent to them.</summary>
    private static readonly TimeSpan LongestNotice = TimeSpan.FromSeconds(1);

    /// <summary>How often cells that run are looked at.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(200);

    private readonly ILogger _logger = logs.CreateLogger<Departure>();
    private readonly Lock _lock = new();
    private Task? _drain;

    public Task DrainAsync(TimeSpan budget)
    {
        lock (_lock)
            return _drain ??= Task.Run(() => RunAsync(budget));
    }

    private async Task RunAsync(TimeSpan budget)
    {
        var begun = time.GetTimestamp();
        LogBegun(_logger, budget.TotalSeconds);
        // What runs on this machine stays here when its session goes.
        var here = host.Actors.Select(actor => actor.Id).ToArray();
        cluster.BeginDrain();
        await Task.WhenAll(host.HandOverAllAsync(budget / 2, CancellationToken.None), SendPagesAwayAsync(budget));
        await UntilIdleAsync(here, budget / 2 - time.GetElapsedTime(begun));
        LogDone(_logger, time.GetElapsedTime(begun).TotalSeconds);
    }

    private async Task SendPagesAwayAsync(TimeSpan budget)
    {
        var notice = budget / 10 < LongestNotice ? budget / 10 : LongestNotice;
        var spread = budget / 5 < LongestSpread ? budget / 5 : LongestSpread;
        await Task.Delay(notice, time);
        await pages.SendAwayAsync(spread, CancellationToken.None);
    }

    /// <summary>Cells that still run then go on if the machine and this server come back in time; else they are marked aborted.</summary>
    private async Task UntilIdleAsync(IReadOnlyCollection<string> here, TimeSpan patience)
    {
        var begun = time.GetTimestamp();
        while (here.Any(Runs) && time.GetElapsedTime(begun) < patience)
            await Task.Delay(LookInterval, time);
    }

    private bool Runs(string session) => sessions.Find(session) is { } summary && summary.Evaluating + summary.Queued > 0;

    [LoggerMessage(Level = LogLevel.Information, Message = "draining: sessions and pages go to other nodes, within {Seconds} s")]
    private static partial void LogBegun(ILogger logger, double seconds);

    [LoggerMessage(Level = LogLevel.Information, Message = "drained after {Seconds:0.0} s")]
    private static partial void LogDone(ILogger logger, double seconds);
}
