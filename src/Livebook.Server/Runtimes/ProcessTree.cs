using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Livebook.Server.Runtimes;

/// <summary>Processes by number: whether one is still the same, and how it is ended with its children.</summary>
internal static class ProcessTree
{
    private const int Kill = 9;

    /// <summary>When a process was started, in the system's own count; null when there is none. Tells a process from a later one with the same number.</summary>
    public static long? StartTime(int pid)
    {
        try
        {
            if (!OperatingSystem.IsLinux())
            {
                using var process = Process.GetProcessById(pid);
                return process.StartTime.ToUniversalTime().Ticks;
            }
            // "pid (name) state …": the name may hold anything, the 22nd field is the start time.
            var text = File.ReadAllText($"/proc/{pid}/stat");
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : long.Parse(fields[19], CultureInfo.InvariantCulture);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException or Win32Exception)
        {
            return null;
        }
    }

    /// <summary>Kills the group that a process leads, and the process. The group outlives its leader while a child lives.</summary>
    public static void KillGroup(int pid)
    {
        if (OperatingSystem.IsWindows())
        {
            try
            {
                using var process = Process.GetProcessById(pid);
                process.Kill(entireProcessTree: true);
            }
            catch (Exception error) when (error is ArgumentException or InvalidOperationException or Win32Exception)
            {
                // It has ended.
            }
            return;
        }
        // 1 would be every process of the user.
        if (pid <= 1)
            return;
        _ = Signal(-pid, Kill);
    }

    /// <summary>Kills one process that is known to be still the same.</summary>
    public static void KillOne(int pid)
    {
        if (pid > 1 && !OperatingSystem.IsWindows())
            _ = Signal(pid, Kill);
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Signal(int pid, int signal);
}
