using System.Runtime.InteropServices;

namespace Livebook.Bench;

/// <summary>The server to measure.</summary>
/// <param name="Path">Its <c>livebook.dll</c>.</param>
internal sealed record ServerProgram(string Path)
{
    /// <summary>Where .NET is: the runtime's own executable looks for it there.</summary>
    public static string DotnetRoot { get; } = System.IO.Path.GetFullPath(System.IO.Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));

    public static string Dotnet { get; } = System.IO.Path.Combine(DotnetRoot, "dotnet");

    /// <exception cref="InvalidOperationException">There is none.</exception>
    public static ServerProgram Find(DirectoryInfo? folder)
    {
        var root = Root();
        var own = System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        string[] folders = folder is not null
            ? [folder.FullName]
            : [System.IO.Path.Combine(root, "artifacts", "app"), System.IO.Path.Combine(root, "artifacts", "bin", "Livebook.Web", own)];
        var found = folders.Select(place => System.IO.Path.Combine(place, "livebook.dll")).FirstOrDefault(File.Exists);
        return new ServerProgram(
            found ?? throw new InvalidOperationException($"no livebook.dll in {string.Join(" or ", folders)}: run ./livebook once, or build src/Livebook.Web")
        );
    }

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(System.IO.Path.Combine(directory.FullName, "Livebook.slnx")))
            directory = directory.Parent ?? throw new InvalidOperationException("the benchmarks do not run inside the repository");
        return directory.FullName;
    }
}
