using System.Globalization;
using Livebook.Server.Runtimes.Isolation;

namespace Livebook.Web.Configuration;

/// <summary>Keeps a second server off the same data path: both would write the same logs. The system takes the lock back when the process ends, however it ends.</summary>
internal static class DataPathLock
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <returns>Holds the lock until it is disposed of.</returns>
    /// <exception cref="ConfigurationException">Another process has it; the message names it.</exception>
    public static IDisposable Take(string dataPath)
    {
        // The lock's own file cannot be read while it is held.
        var holder = Path.Combine(dataPath, "server.pid");
        FileStream held;
        try
        {
            held = new FileStream(
                Path.Combine(dataPath, "server.lock"),
                new FileStreamOptions
                {
                    Mode = FileMode.OpenOrCreate,
                    Access = FileAccess.ReadWrite,
                    Share = FileShare.None,
                    UnixCreateMode = Private,
                }
            );
        }
        catch (IOException)
        {
            throw new ConfigurationException("LIVEBOOK_DATA_PATH", $"a directory of this server alone; {NameOf(holder)} is running on it", dataPath);
        }
        MakePrivate(dataPath);
        using var writer = new StreamWriter(
            holder,
            new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                Share = FileShare.ReadWrite,
                UnixCreateMode = Private,
            }
        );
        writer.Write(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId} on {Environment.MachineName}"));
        return held;
    }

    /// <summary>
    /// Nobody else may look into it, nor into what lies there, whoever made it how. Where another user runs notebooks the runtimes' part lets that one
    /// pass through again.
    /// </summary>
    private static void MakePrivate(string dataPath)
    {
        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        var kept = SystemUser.IsRoot ? Owner | UnixFileMode.GroupExecute : Owner;
        try
        {
            File.SetUnixFileMode(dataPath, File.GetUnixFileMode(dataPath) & kept);
            foreach (var directory in Directory.EnumerateDirectories(dataPath))
                File.SetUnixFileMode(directory, File.GetUnixFileMode(directory) & kept);
            foreach (var file in Directory.EnumerateFiles(dataPath))
                File.SetUnixFileMode(file, File.GetUnixFileMode(file) & Private);
        }
        catch (UnauthorizedAccessException)
        {
            // Another user's, e.g. a volume that is shared by group: its permissions are for whoever mounts it to set.
        }
    }

    private static string NameOf(string holder)
    {
        try
        {
            using var file = new FileStream(holder, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(file);
            return reader.ReadToEnd() is { Length: > 0 } name ? $"process {name}" : "another process";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return "another process";
        }
    }
}
