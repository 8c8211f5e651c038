using Livebook.Kino.Hosting;

namespace Livebook.Runtime.Connection;

/// <summary>
/// Arms the checks woven into cells: at once while a run is being stopped, afterwards in short pulses, so that tasks that a stopped run left
/// behind end when they wake up, while other code stays fast.
/// </summary>
internal sealed class CheckPulse
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Length = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Watch = TimeSpan.FromMinutes(10);

    private readonly Lock gate = new();
    private long until;
    private int holders;
    private bool pulsing;

    /// <summary>Keeps the checks armed until it is disposed of.</summary>
    public IDisposable Hold()
    {
        lock (gate)
        {
            holders++;
            Checks.Armed = true;
        }
        return new Holder(this);
    }

    /// <summary>Arms the checks now and then for the next ten minutes.</summary>
    public void Start()
    {
        lock (gate)
        {
            until = Environment.TickCount64 + (long)Watch.TotalMilliseconds;
            if (pulsing)
                return;
            pulsing = true;
        }
        _ = PulseAsync();
    }

    private async Task PulseAsync()
    {
        while (true)
        {
            using (Hold())
                await Task.Delay(Length);
            await Task.Delay(Interval);
            lock (gate)
                if (Environment.TickCount64 > until)
                {
                    pulsing = false;
                    return;
                }
        }
    }

    private sealed class Holder(CheckPulse pulse) : IDisposable
    {
        public void Dispose()
        {
            lock (pulse.gate)
                if (--pulse.holders == 0)
                    Checks.Armed = false;
        }
    }
}
