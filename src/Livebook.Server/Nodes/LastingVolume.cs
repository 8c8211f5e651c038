namespace Livebook.Server.Nodes;

/// <summary>Whether what is written to a directory is still there when its container or machine is started anew.</summary>
internal static class LastingVolume
{
    /// <summary>File systems that end with their container or with the power.</summary>
    private static readonly string[] Passing = ["overlay", "tmpfs", "ramfs", "aufs"];

    /// <summary>Kind of the file system when it does not last, else null (also when it cannot be told).</summary>
    public static string? PassingKind(string directory)
    {
        try
        {
            return File.Exists("/proc/self/mountinfo") ? PassingKind(Path.GetFullPath(directory), File.ReadLines("/proc/self/mountinfo")) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <param name="mounts">Lines of <c>/proc/PID/mountinfo</c> (proc(5)): field 5 is the mount point, the field behind " - " the kind.</param>
    public static string? PassingKind(string directory, IEnumerable<string> mounts)
    {
        var (best, kind) = ("", "");
        foreach (var line in mounts)
        {
            if (line.Split(" - ", 2) is not [var front, var behind] || front.Split(' ') is not { Length: >= 5 } fields)
                continue;
            // Later lines are mounted over earlier ones.
            var point = Unescape(fields[4]);
            if (point.Length >= best.Length && Holds(point, directory))
                (best, kind) = (point, behind.Split(' ')[0]);
        }
        return Passing.Contains(kind, StringComparer.Ordinal) ? kind : null;
    }

    private static bool Holds(string point, string directory) =>
        point == "/" || directory == point || directory.StartsWith(point + "/", StringComparison.Ordinal);

    private static string Unescape(string point) =>
        point.Replace(@"\040", " ", StringComparison.Ordinal).Replace(@"\011", "\t", StringComparison.Ordinal).Replace(@"\134", @"\", StringComparison.Ordinal);
}
