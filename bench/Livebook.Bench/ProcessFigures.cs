using System.Globalization;

namespace Livebook.Bench;

/// <summary>What Linux says about a process.</summary>
internal sealed record ProcessFigures(int Pid)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    /// <summary>How much processor time in <see cref="Interval"/> still counts as rest.</summary>
    private static readonly TimeSpan Restful = TimeSpan.FromMilliseconds(10);

    /// <summary>Resident memory, in MB of 1,048,576 bytes.</summary>
    public double ResidentMegabytes => Status("VmRSS");

    /// <summary>Resident memory that is the process's own, in MB: not pages of files, which all .NET processes share.</summary>
    public double OwnMegabytes => Status("RssAnon") + Status("RssShmem");

    /// <summary>The most that was ever resident, in MB.</summary>
    public double PeakMegabytes => Status("VmHWM");

    /// <summary>Processor time so far, of user and system.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            // "pid (name) state …": fields 14 and 15 count ticks of 10 ms.
            var text = File.ReadAllText($"/proc/{Pid}/stat");
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return TimeSpan.FromMilliseconds(
                10 * (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture))
            );
        }
    }

    public IEnumerable<ProcessFigures> Children =>
        Directory
            .EnumerateDirectories($"/proc/{Pid}/task")
            .SelectMany(task => File.ReadAllText($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(pid => new ProcessFigures(int.Parse(pid, CultureInfo.InvariantCulture)));

    private double Status(string name) =>
        double.Parse(
            File.ReadLines($"/proc/{Pid}/status")
                .Single(line => line.StartsWith($"{name}:", StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture
        ) / 1024;

    /// <summary>Waits until the process has used next to no processor time for a second.</summary>
    public async Task UntilAtRestAsync(CancellationToken stop)
    {
        for (var calm = 0; calm < 4; )
        {
            var before = ProcessorTime;
            await Task.Delay(Interval, stop);
            calm = ProcessorTime - before <= Restful ? calm + 1 : 0;
        }
    }
}
