namespace Livebook.EndToEnd.World;

/// <summary>Where things are.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>The server as it was built with the tests.</summary>
    public static string Server { get; } =
        Path.Combine(Root, "artifacts", "bin", "Livebook.Web", Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)), "livebook.dll");

    public static string Samples { get; } = Path.Combine(Root, "samples");

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Livebook.slnx")))
            directory = directory.Parent ?? throw new InvalidOperationException("the tests do not run inside the repository");
        return directory.FullName;
    }
}
