namespace Livebook.Web.Configuration;

/// <summary>Keeps a second server off the same data path: both would write the same logs. The system takes the lock back when the process ends, however it ends.</summary>
internal static class DataPathLock
{
    /// <returns>Holds the lock until it is disposed of.</returns>
    /// <exception cref="ConfigurationException">Another process has it.</exception>
    public static IDisposable Take(string dataPath)
    {
        try
        {
            return new FileStream(
                Path.Combine(dataPath, "server.lock"),
                new FileStreamOptions
                {
                    Mode = FileMode.OpenOrCreate,
                    Access = FileAccess.ReadWrite,
                    Share = FileShare.None,
                    UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                }
            );
        }
        catch (IOException)
        {
            throw new ConfigurationException("LIVEBOOK_DATA_PATH", "a directory of this server alone; another one is running on it", dataPath);
        }
    }
}
