namespace Livebook.Runtime.Host;

/// <summary>What this process keeps from others, and what is kept from it.</summary>
internal static class OwnProcess
{
    private const int Dumpable = 4;
    private const int NoNewPrivileges = 38;

    /// <summary>Other processes of the same user, such as those of another notebook, can neither read nor change its memory.</summary>
    public static void Close()
    {
        if (OperatingSystem.IsLinux())
            _ = NativeMethods.Control(Dumpable, 0, 0, 0, 0);
    }

    /// <summary>
    /// Restricts this process for good, and starts its program again: a restriction holds for the thread that asks for it and what comes from it, and
    /// .NET has made others by now. Ends the process when that cannot be done.
    /// </summary>
    public static void Hide(string hidden, IReadOnlyList<string> shown, string[] arguments)
    {
        _ = NativeMethods.Control(NoNewPrivileges, 1, 0, 0, 0);
        var done = Landlock.Restrict(Landlock.EverythingBut(hidden).Concat(shown));
        var own = File.ReadAllText("/proc/self/cmdline").Split('\0')[..^1];
        var left = own[..^arguments.Length].Concat(Without(arguments));
        if (!done || NativeMethods.Execute("/proc/self/exe", [.. left, null]) != 0)
            throw new InvalidOperationException("the runtime cannot keep user code from the server's data path");
    }

    private static IEnumerable<string> Without(string[] arguments) =>
        arguments.Chunk(2).Where(pair => pair[0] is not ("--hide" or "--show")).SelectMany(pair => pair);
}
