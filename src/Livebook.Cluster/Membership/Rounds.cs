using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using Livebook.Cluster.Discovery;
using Livebook.Cluster.Links;
using Microsoft.Extensions.Logging;

namespace Livebook.Cluster.Membership;

/// <summary>The rounds of discovery: ask, probe, decide by <see cref="Bootstrap"/>, and do it. Outlives the engines that it steers.</summary>
internal sealed partial class Rounds(
    IPAddress self,
    IHints hints,
    LastMembers lastMembers,
    Func<IPAddress, CancellationToken, Task<Probed>> probe,
    StrangerList strangers,
    MeshPump pump,
    TimeProvider time,
    ILogger logger
)
{
    /// <summary>Between rounds while anything is open.</summary>
    public static readonly TimeSpan Busy = TimeSpan.FromMilliseconds(500);

    /// <summary>Between rounds of a member that misses nobody.</summary>
    public static readonly TimeSpan Calm = TimeSpan.FromSeconds(2);

    /// <summary>How long a round waits for an answer; a slow one comes to a later round, so that a dead resolver holds nothing up.</summary>
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromMilliseconds(500);

    /// <summary>Between probes of an address that answered as somebody else; should it become one of us, it calls by itself.</summary>
    private static readonly TimeSpan StrangerPause = TimeSpan.FromSeconds(10);

    /// <summary>How long a node that asked counts as a hint.</summary>
    private static readonly TimeSpan CallersFor = TimeSpan.FromSeconds(20);

    private const int MaximumCallers = 100;

    /// <summary>What was not seen for so long is told again when it is.</summary>
    private static readonly TimeSpan NewsAgain = TimeSpan.FromMinutes(1);

    private const int MaximumSeen = 1000;

    private readonly Dictionary<string, TimeSpan> seen = [];

    private readonly ConcurrentDictionary<IPAddress, TimeSpan> callers = new();
    private readonly Dictionary<IPAddress, TimeSpan> paused = [];
    private Task<Hint>? asking;
    private Bootstrap bootstrap = Bootstrap.Start;
    private string? said;
    private Hint? lastHint;

    /// <summary>Fellow members of an earlier life.</summary>
    public ImmutableHashSet<IPAddress> Former { get; set; } = [];

    /// <summary>A node with the cookie asked this one from that address: DNS may show it to this node too late, or never.</summary>
    public void Called(IPAddress address)
    {
        if (callers.Count < MaximumCallers || callers.ContainsKey(address))
        {
            callers[address] = time.GetElapsedTime(0);
        }
    }

    public async Task RunAsync(Engine engine, CancellationToken stop)
    {
        // One that an earlier engine asked was cancelled with it.
        asking = null;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await RoundAsync(engine, stop);
                await Task.Delay(Jittered(engine.State is { Status: ProbeStatus.Up, Settled: true } ? Calm : Busy), time, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Without rounds a node would never find the others again.
                LogRoundFailed(logger, e);
                await Task.Delay(Busy, time, CancellationToken.None);
            }
        }
    }

    private async Task RoundAsync(Engine engine, CancellationToken stop)
    {
        var hint = await HearAsync(stop);
        if (!hint.IsPending)
        {
            Show(hint);
        }
        var before = engine.State;
        var fellows = before.Members.Except(before.Missed).Select(key => IPAddress.Parse(key.Address)).ToHashSet();
        var started = time.GetElapsedTime(0);
        var targets = Hinted(hint, before)
            .Where(address => paused.GetValueOrDefault(address) <= started)
            .Concat(Callers(started))
            .Concat(Former)
            .Concat(before.Missed.Select(key => IPAddress.Parse(key.Address)))
            .Distinct()
            .Where(address => !address.Equals(self) && !fellows.Contains(address));
        ImmutableArray<Probed> probes = [.. await Task.WhenAll(targets.Select(address => probe(address, stop)))];
        var now = engine.State;
        NoteStrangers(hint, now, probes);
        Pause(probes);
        if (now.Status is ProbeStatus.Up)
        {
            Former = [];
            lastMembers.Keep(now.Members.Select(key => key.Address));
        }
        (bootstrap, var step) = bootstrap.Next(new(time.GetElapsedTime(0), hint, self, now.Status, now.Members, now.Settled, probes, Former));
        var omits = bootstrap;
        var at = time.GetElapsedTime(0);
        engine.Tell(new MeshActor.Omissions(address => omits.Omits(address, self, at)));
        Do(step, engine);
    }

    /// <summary>The next answer; at most one question is on its way.</summary>
    private async Task<Hint> HearAsync(CancellationToken stop)
    {
        asking ??= hints.AskAsync(stop);
        await Task.WhenAny(asking, Task.Delay(AnswerPatience, time, stop));
        if (!asking.IsCompleted)
        {
            return Hint.Pending;
        }
        var answer = asking;
        asking = null;
        return await answer;
    }

    /// <summary>Without an answer, whoever was named or a member last may still be there; enough to join them, never to found.</summary>
    private IEnumerable<IPAddress> Hinted(Hint hint, EngineState state) =>
        hint.IsGood ? hint.Addresses
        : state is { Status: ProbeStatus.Up, Settled: true } ? []
        : bootstrap.Named.Keys.Concat(lastMembers.Addresses);

    private IEnumerable<IPAddress> Callers(TimeSpan now)
    {
        foreach (var (address, at) in callers)
        {
            if (now - at > CallersFor)
            {
                callers.TryRemove(address, out _);
            }
            else
            {
                yield return address;
            }
        }
    }

    private void Pause(ImmutableArray<Probed> probes)
    {
        var until = time.GetElapsedTime(0) + StrangerPause;
        foreach (var probed in probes)
        {
            if (probed.Outcome == ProbeOutcome.Stranger)
            {
                paused[probed.Address] = until;
            }
            else
            {
                paused.Remove(probed.Address);
            }
        }
    }

    /// <summary>Nodes that started together must not ask together for ever.</summary>
    private static TimeSpan Jittered(TimeSpan span) => span * (0.8 + 0.4 * Random.Shared.NextDouble());

    private void Do(BootstrapStep step, Engine engine)
    {
        switch (step)
        {
            case BootstrapStep.Join join:
                LogJoining(logger, string.Join(", ", join.Seeds));
                engine.Join(join.Seeds);
                break;
            case BootstrapStep.Found:
                LogFounding(logger);
                engine.Found();
                break;
            case BootstrapStep.Yield:
                engine.Tell(MeshActor.YieldIsland.Instance);
                break;
            case BootstrapStep.Restart restart:
                engine.Restart(restart.Why);
                break;
            case BootstrapStep.Wait wait when wait.Why != said:
                said = wait.Why;
                LogWaiting(logger, wait.Why);
                break;
        }
    }

    private void Show(Hint hint)
    {
        ImmutableArray<string> answer = [.. hint.Addresses.Order(AddressOrder.Instance).Select(address => address.ToString())];
        var news = lastHint is null || lastHint.Error != hint.Error || !lastHint.Addresses.ToHashSet().SetEquals(hint.Addresses);
        lastHint = hint;
        var at = time.GetUtcNow();
        pump.Change(
            view =>
                view with
                {
                    Discovery = hint.IsGood
                        ? view.Discovery with
                        {
                            LastAnswer = answer,
                            LastAt = at,
                            Error = null,
                        }
                        : view.Discovery with
                        {
                            Error = hint.Error,
                        },
                },
            news ? new MeshEvent.Changed() : null
        );
        if (hint.IsGood && answer.Aggregate(false, (found, address) => IsNews(address) || found))
        {
            LogAnswer(logger, string.Join(", ", answer));
        }
        else if (hint.Error is { } error && IsNews(error))
        {
            LogNoAnswer(logger, error);
        }
    }

    /// <summary>Whether this was not seen for a while: an answer that flaps, or holds other addresses each time, must not fill the log.</summary>
    private bool IsNews(string what)
    {
        var now = time.GetElapsedTime(0);
        if (seen.Count > MaximumSeen)
        {
            seen.Clear();
        }
        var known = seen.TryGetValue(what, out var at) && now - at < NewsAgain;
        seen[what] = now;
        return !known;
    }

    private void NoteStrangers(Hint hint, EngineState state, ImmutableArray<Probed> probes)
    {
        var members = state.Members.Select(key => IPAddress.Parse(key.Address)).ToHashSet();
        var changed = strangers.Sweep();
        foreach (var probed in probes)
        {
            changed |= probed switch
            {
                { Outcome: ProbeOutcome.Answered } => strangers.Forget(probed.Address),
                _ when members.Contains(probed.Address) => false,
                { Outcome: ProbeOutcome.Stranger, Reason: { } reason } => strangers.Note(probed.Address, reason),
                { Outcome: ProbeOutcome.Refused } => strangers.Note(probed.Address, Reasons.Refused),
                _ => strangers.Note(probed.Address, Reasons.Silent),
            };
        }
        if (hint.IsGood)
        {
            changed |= strangers.ForgetAbsent(hint.Addresses);
        }
        if (changed)
        {
            ShowStrangers();
        }
    }

    public void ShowStrangers()
    {
        var list = strangers.ToArray();
        pump.Change(view => view with { Strangers = list }, new MeshEvent.Changed());
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A round of discovery failed; trying again")]
    private static partial void LogRoundFailed(ILogger logger, Exception error);

    [LoggerMessage(Level = LogLevel.Information, Message = "Joining the cluster of {Seeds}")]
    private static partial void LogJoining(ILogger logger, string seeds);

    [LoggerMessage(Level = LogLevel.Information, Message = "Nobody else is there: beginning a cluster")]
    private static partial void LogFounding(ILogger logger);

    [LoggerMessage(Level = LogLevel.Information, Message = "Discovery: {Why}")]
    private static partial void LogWaiting(ILogger logger, string why);

    [LoggerMessage(Level = LogLevel.Information, Message = "Discovery names {Addresses}")]
    private static partial void LogAnswer(ILogger logger, string addresses);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Discovery: {Error}")]
    private static partial void LogNoAnswer(ILogger logger, string error);
}
