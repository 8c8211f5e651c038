using System.Collections.Concurrent;
using System.Net;

namespace Livebook.Web.Auth;

/// <summary>Slows guessing down: an address that failed often has to wait.</summary>
public sealed class FailureLimit(TimeProvider time)
{
    /// <summary>Failures within <see cref="Window"/> after which an address is refused unheard.</summary>
    private const int Failures = 20;
    private const int Addresses = 10_000;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<IPAddress, Count> _counts = new();

    /// <summary>Time until this address is heard again; null when it is heard now.</summary>
    public TimeSpan? Wait(IPAddress? address) =>
        address is not null
        && _counts.TryGetValue(address, out var count)
        && count.Failures >= Failures
        && count.Until - time.GetUtcNow() is { Ticks: > 0 } left
            ? left
            : null;

    public void Failed(IPAddress? address)
    {
        if (address is null)
            return;
        var now = time.GetUtcNow();
        if (_counts.Count > Addresses)
            _counts.Clear();
        _counts.AddOrUpdate(
            address,
            _ => new Count(1, now + Window),
            (_, count) => count.Until < now ? new Count(1, now + Window) : count with { Failures = count.Failures + 1 }
        );
    }

    private sealed record Count(int Failures, DateTimeOffset Until);
}
