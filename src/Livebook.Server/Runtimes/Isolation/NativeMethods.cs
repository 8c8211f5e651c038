using System.Runtime.InteropServices;

namespace Livebook.Server.Runtimes.Isolation;

/// <summary>Calls of the system about users and privileges.</summary>
internal static class NativeMethods
{
    private const int SetNoNewPrivileges = 38;
    private const int CanWrite = 2;
    private const long CreateRuleset = 444;
    private const uint RulesetVersion = 1;

    [DllImport("libc", EntryPoint = "geteuid")]
    public static extern uint UserId();

    [DllImport("libc", EntryPoint = "getegid")]
    public static extern uint GroupId();

    /// <summary>Gives a file or directory to a user and a group.</summary>
    /// <exception cref="IOException">The system does not allow it.</exception>
    public static void ChangeOwner(string path, uint user, uint group)
    {
        if (Change(path, user, group) != 0)
            throw new IOException($"{path} cannot be given to user {user}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>What this thread starts cannot gain privileges, e.g. by sudo. The thread itself never needs to.</summary>
    public static void ForbidNewPrivileges()
    {
        if (OperatingSystem.IsLinux())
            _ = Control(SetNoNewPrivileges, 1, 0, 0, 0);
    }

    public static bool IsWritable(string path) => Access(path, CanWrite) == 0;

    /// <summary>Version of Landlock, 0 when the kernel has none.</summary>
    public static long LandlockVersion() => Math.Max(0, Call(CreateRuleset, 0, 0, RulesetVersion));

    [DllImport("libc", EntryPoint = "chown", SetLastError = true)]
    private static extern int Change([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint user, uint group);

    [DllImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static extern int Control(int option, nuint a, nuint b, nuint c, nuint d);

    [DllImport("libc", EntryPoint = "access", SetLastError = true)]
    private static extern int Access([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int mode);

    [DllImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static extern long Call(long number, nint attributes, nuint size, uint flags);
}
