using System.ComponentModel;

namespace Livebook.Kino.Hosting;

/// <summary>Where the notebook's files are on this machine. For the runtime, not for notebooks.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class SessionFiles
{
    public const string DirectoryName = "files";

    /// <summary>Set once, before any cell runs.</summary>
    public static string Directory { get; set; } = DirectoryName;
}
