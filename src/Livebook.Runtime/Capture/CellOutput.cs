using System.Text;
using Livebook.Kino;
using Livebook.Kino.Hosting;
using Livebook.Protocol;
using Livebook.Runtime.Connection;

namespace Livebook.Runtime.Capture;

/// <summary>Collects what one run of a cell writes and reports it in batches, in order with everything else the run puts out.</summary>
public sealed class CellOutput : IDisposable
{
    private const int BatchLength = 32 * 1024;
    private static readonly TimeSpan BatchTime = TimeSpan.FromMilliseconds(40);

    private readonly ReportLog reports;
    private readonly object gate = new();
    private readonly StringBuilder pending = new();
    private readonly Timer timer;
    private OutputKind kind = OutputKind.Stdout;
    private bool timerRuns;

    public CellOutput(string cell, int evaluation, ReportLog reports)
    {
        this.reports = reports;
        Run = new CellRun(cell, evaluation, (_, output) => Produce(output));
        timer = new Timer(_ => OnTimer());
    }

    public CellRun Run { get; }

    /// <summary>Appends text of a stream; waits while too much is unacknowledged.</summary>
    public void Write(OutputKind stream, ReadOnlySpan<char> text)
    {
        if (Run.IsFinished)
            return;
        if (Run.StopRequested)
            throw new OperationCanceledException("The evaluation was stopped.", Run.Stopping);
        lock (gate)
        {
            if (kind != stream)
                Flush(all: true);
            kind = stream;
            while (text.Length > 0)
            {
                var part = text[..Math.Min(text.Length, BatchLength)];
                pending.Append(part);
                text = text[part.Length..];
                if (pending.Length >= BatchLength)
                {
                    reports.WaitForRoom(Run);
                    Flush(all: false);
                }
            }
            if (pending.Length > 0 && !timerRuns)
            {
                timerRuns = true;
                timer.Change(BatchTime, Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>Reports an output behind all text written so far; waits while too much is unacknowledged.</summary>
    private void Produce(Output output)
    {
        lock (gate)
        {
            reports.WaitForRoom(Run);
            Flush(all: true);
            Report(output);
        }
    }

    /// <summary>Reports an output at the end of the run, without waiting.</summary>
    public void Conclude(Output? output)
    {
        lock (gate)
        {
            Flush(all: true);
            if (output is not null)
                Report(output);
        }
    }

    /// <summary>Reports an output at once, past the code of the run, which may hold everything else up.</summary>
    public void Announce(Output output) => Report(output);

    private void OnTimer()
    {
        if (!Monitor.TryEnter(gate))
        {
            timer.Change(BatchTime, Timeout.InfiniteTimeSpan);
            return;
        }
        try
        {
            timerRuns = false;
            if (Run.IsFinished)
                return;
            if (reports.HasRoom)
                Flush(all: false);
            if (pending.Length > 0)
            {
                timerRuns = true;
                timer.Change(BatchTime, Timeout.InfiniteTimeSpan);
            }
        }
        finally
        {
            Monitor.Exit(gate);
        }
    }

    /// <summary>Half a surrogate pair waits for its other half, unless <paramref name="all"/>.</summary>
    private void Flush(bool all)
    {
        var length = pending.Length;
        if (length > 0 && !all && char.IsHighSurrogate(pending[length - 1]))
            length--;
        if (length == 0)
            return;
        var text = pending.ToString(0, length);
        pending.Remove(0, length);
        Report(Output.Text(kind, ValidText.Of(text)));
    }

    private void Report(Output output)
    {
        if (!Run.IsFinished)
            reports.Add(new RuntimeReport.Produced(Run.Cell, Run.Evaluation, output));
    }

    public void Dispose() => timer.Dispose();
}
