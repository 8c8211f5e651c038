namespace Livebook.Testing;

/// <summary>Where the sources are that a test was built from.</summary>
public static class Repository
{
    /// <summary>The folder that holds <c>Livebook.slnx</c>.</summary>
    public static string Root { get; } = Find();

    public static string PathOf(params ReadOnlySpan<string> parts) => Path.Combine([Root, .. parts]);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Livebook.slnx")))
                return folder.FullName;
        }
        throw new DirectoryNotFoundException($"no Livebook.slnx above {AppContext.BaseDirectory}");
    }
}
