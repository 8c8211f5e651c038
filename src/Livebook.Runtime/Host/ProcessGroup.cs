namespace Livebook.Runtime.Host;

/// <summary>The runtime and everything that user code started.</summary>
internal static class ProcessGroup
{
    /// <summary>Makes this process the leader of a session and a process group of its own, so that its server can end all of it at once.</summary>
    public static void Lead() => _ = NativeMethods.StartSession();

    /// <summary>Ends every process of this session except this one.</summary>
    public static void KillChildren()
    {
        if (NativeMethods.SessionOf(0) != Environment.ProcessId)
            return;
        foreach (var entry in Directory.EnumerateDirectories("/proc"))
            if (
                int.TryParse(Path.GetFileName(entry.AsSpan()), out var pid)
                && pid != Environment.ProcessId
                && NativeMethods.SessionOf(pid) == Environment.ProcessId
            )
                _ = NativeMethods.Kill(pid, NativeMethods.SigKill);
    }

    /// <summary>Ends everything without running any more code of the user, not even finalizers.</summary>
    public static void KillAll()
    {
        KillChildren();
        _ = NativeMethods.Kill(Environment.ProcessId, NativeMethods.SigKill);
    }
}
