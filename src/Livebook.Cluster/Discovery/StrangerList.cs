using System.Collections.Immutable;
using System.Net;
using Livebook.Cluster.Links;
using Microsoft.Extensions.Logging;

namespace Livebook.Cluster.Discovery;

/// <summary>Addresses that are not members and why: bounded, one log line per change of reason, few lines per minute.</summary>
internal sealed partial class StrangerList(TimeProvider time, ILogger logger)
{
    public const int MaximumEntries = 100;

    private const int LinesPerMinute = 20;

    /// <summary>A caller that discovery does not name is forgotten after this.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, Entry> entries = [];
    private long minute;
    private int lines;

    /// <summary>True when the list changed.</summary>
    public bool Note(IPAddress address, string reason)
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            if (entries.TryGetValue(address, out var known))
            {
                entries[address] = known with { Seen = now };
                if (known.Stranger.Reason == reason)
                {
                    return false;
                }
            }
            else if (entries.Count >= MaximumEntries)
            {
                entries.Remove(entries.MinBy(entry => entry.Value.Seen).Key);
            }
            entries[address] = new(new(address.ToString(), reason, now), now);
            if (MayLog(now))
            {
                // Peers that are starting or gone are no news; who tries another cookie is.
                LogStranger(logger, reason is Reasons.Silent or Reasons.Refused ? LogLevel.Information : LogLevel.Warning, address, reason);
            }
            return true;
        }
    }

    /// <summary>Drops an address that is one of us; true when it was listed.</summary>
    public bool Forget(IPAddress address)
    {
        lock (gate)
        {
            return entries.Remove(address);
        }
    }

    /// <summary>Drops addresses at which nobody answered once discovery does not name them any more; true when there were any.</summary>
    public bool ForgetAbsent(IEnumerable<IPAddress> named)
    {
        lock (gate)
        {
            var absent = entries
                .Where(entry => entry.Value.Stranger.Reason is Reasons.Silent or Reasons.Refused)
                .Select(entry => entry.Key)
                .Except(named)
                .ToList();
            absent.ForEach(address => entries.Remove(address));
            return absent.Count > 0;
        }
    }

    /// <summary>Drops who was not seen for a while; true when somebody was.</summary>
    public bool Sweep()
    {
        lock (gate)
        {
            var limit = time.GetUtcNow() - Memory;
            var old = entries.Where(entry => entry.Value.Seen < limit).Select(entry => entry.Key).ToList();
            old.ForEach(address => entries.Remove(address));
            return old.Count > 0;
        }
    }

    public ImmutableArray<Stranger> ToArray()
    {
        lock (gate)
        {
            return [.. entries.Values.Select(entry => entry.Stranger).OrderBy(stranger => stranger.Address, StringComparer.Ordinal)];
        }
    }

    private bool MayLog(DateTimeOffset now)
    {
        var current = now.ToUnixTimeSeconds() / 60;
        if (current != minute)
        {
            (minute, lines) = (current, 0);
        }
        return ++lines <= LinesPerMinute;
    }

    private sealed record Entry(Stranger Stranger, DateTimeOffset Seen);

    [LoggerMessage(Message = "{Address} is not a member of this cluster: {Reason}")]
    private static partial void LogStranger(ILogger logger, LogLevel level, IPAddress address, string reason);
}
