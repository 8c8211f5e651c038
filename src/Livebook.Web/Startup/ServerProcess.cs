using System.Collections;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Livebook.Server.Runtimes;

namespace Livebook.Web.Startup;

/// <summary>
/// Closes this process to other processes of the same user, notebook code among them: no debugger, no memory, no environment.
/// Belongs at the very start, before anything else is loaded.
/// </summary>
internal static class ServerProcess
{
    private const string Diagnostics = "DOTNET_EnableDiagnostics";
    private const int Dumpable = 4;

    private static Dictionary<string, string>? _variables;

    /// <summary>The environment that the process was started with. What is the server's alone is only here any more.</summary>
    public static IReadOnlyDictionary<string, string> Variables => _variables ??= TakeVariables();

    /// <summary>May start the program again in this process, once.</summary>
    public static void Close()
    {
        if (OperatingSystem.IsLinux())
        {
            CloseDiagnostics();
            // Also for core dumps, and for /proc/PID/environ of the same user.
            _ = Control(Dumpable, 0, 0, 0, 0);
        }
        _ = Variables;
    }

    /// <summary>
    /// .NET listens for debuggers and tools of the same user, which is a door to everything. Only a variable that was there at the start shuts it;
    /// whoever wants to debug sets it to 1.
    /// </summary>
    private static void CloseDiagnostics()
    {
        if (Environment.GetEnvironmentVariable(Diagnostics) is { Length: > 0 } || Debugger.IsAttached)
            return;
        var arguments = File.ReadAllText("/proc/self/cmdline").Split('\0')[..^1];
        foreach (var left in Directory.EnumerateFileSystemEntries(Path.GetTempPath(), $"*-{Environment.ProcessId}-*"))
        {
            if (
                Path.GetFileName(left).StartsWith("dotnet-diagnostic-", StringComparison.Ordinal)
                || Path.GetFileName(left).StartsWith("clr-debug-pipe-", StringComparison.Ordinal)
            )
                File.Delete(left);
        }
        _ = SetVariable(Diagnostics, "0", 1);
        // Comes back only when it failed; then the door stays open, as without this.
        _ = Execute("/proc/self/exe", [.. arguments, null]);
    }

    private static Dictionary<string, string> TakeVariables()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
            variables[(string)entry.Key] = (string?)entry.Value ?? "";
        var own = variables.Keys.Where(ServerVariables.Contain).ToArray();
        foreach (var name in own)
        {
            Environment.SetEnvironmentVariable(name, null);
            if (!OperatingSystem.IsWindows())
                _ = UnsetVariable(name);
        }
        if (own.Length > 0 && OperatingSystem.IsLinux())
            Erase();
        return variables;
    }

    /// <summary>What a process was started with stays readable in <c>/proc/PID/environ</c>, whatever is unset later: overwrites it there.</summary>
    private static void Erase()
    {
        // "pid (name) state …": fields 50 and 51 are the bounds of the initial environment.
        var text = File.ReadAllText("/proc/self/stat");
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        var start = nint.Parse(fields[47], CultureInfo.InvariantCulture);
        var bytes = new byte[nint.Parse(fields[48], CultureInfo.InvariantCulture) - start];
        Marshal.Copy(start, bytes, 0, bytes.Length);
        for (var at = 0; at < bytes.Length; )
        {
            var length = bytes.AsSpan(at).IndexOf((byte)0) is var end and >= 0 ? end : bytes.Length - at;
            var entry = bytes.AsSpan(at, length);
            var name = entry.IndexOf((byte)'=') is var equals and > 0 ? entry[..equals] : entry;
            if (ServerVariables.Contain(Encoding.UTF8.GetString(name)))
                entry.Clear();
            at += length + 1;
        }
        Marshal.Copy(bytes, 0, start, bytes.Length);
    }

    [DllImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static extern int Control(int option, nuint a, nuint b, nuint c, nuint d);

    [DllImport("libc", EntryPoint = "setenv", SetLastError = true)]
    private static extern int SetVariable([MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value, int overwrite);

    [DllImport("libc", EntryPoint = "unsetenv", SetLastError = true)]
    private static extern int UnsetVariable([MarshalAs(UnmanagedType.LPUTF8Str)] string name);

    [DllImport("libc", EntryPoint = "execv", SetLastError = true)]
    private static extern int Execute(
        [MarshalAs(UnmanagedType.LPUTF8Str)] string path,
        [MarshalAs(UnmanagedType.LPArray, ArraySubType = UnmanagedType.LPStr)] string?[] arguments
    );
}
