using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Livebook.Server.Files;

/// <summary>What the framework's file streams do not do on Unix: open a directory, and open a file without locking it.</summary>
internal static class UnixFiles
{
    /// <summary>The flag O_CLOEXEC of Linux: runtime processes must not inherit the descriptor.</summary>
    private const int CloseOnExec = 0x80000;

    /// <summary>Opens a file or directory for reading; null when that is not possible.</summary>
    public static SafeFileHandle? Open(string path)
    {
        var descriptor = Open(Encoding.UTF8.GetBytes(path + "\0"), OperatingSystem.IsLinux() ? CloseOnExec : 0);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>Writes what the system still keeps in memory to the disk; on a directory that makes renames durable. File systems that cannot do it are left to themselves.</summary>
    public static void Flush(SafeFileHandle handle) => _ = Flush((int)handle.DangerousGetHandle());

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    private static extern int Open(byte[] path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static extern int Flush(int descriptor);
}
