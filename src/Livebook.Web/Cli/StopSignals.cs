using System.Runtime.InteropServices;

namespace Livebook.Web.Cli;

/// <summary>The system's and the user's word to stop: SIGTERM and SIGINT (Ctrl-C) begin an orderly end, a second SIGINT ends at once.</summary>
internal sealed class StopSignals : IDisposable
{
    /// <summary>128 + SIGINT, as a shell reports it.</summary>
    private const int Interrupted = 130;

    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration _terminate;
    private readonly PosixSignalRegistration _interrupt;

    public StopSignals()
    {
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Hear);
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Hear);
    }

    /// <summary>Completes with the first signal.</summary>
    public Task Asked => _asked.Task;

    private void Hear(PosixSignalContext signal)
    {
        signal.Cancel = true;
        if (!_asked.TrySetResult() && signal.Signal == PosixSignal.SIGINT)
            Environment.Exit(Interrupted);
    }

    public void Dispose()
    {
        _terminate.Dispose();
        _interrupt.Dispose();
    }
}
