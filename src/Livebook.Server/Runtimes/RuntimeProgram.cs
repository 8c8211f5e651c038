using System.Diagnostics;

namespace Livebook.Server.Runtimes;

/// <summary>Finds the runtime's program and starts it with nothing of the server's secrets.</summary>
internal static class RuntimeProgram
{
    private const string Name = "livebook-runtime";

    /// <exception cref="RuntimeStartException">There is no such program.</exception>
    public static string Find(RuntimeOptions options)
    {
        var candidates = options.Program is { } given ? [given] : Candidates(AppContext.BaseDirectory);
        return candidates.FirstOrDefault(File.Exists)
            ?? throw new RuntimeStartException($"The runtime's program was not found. Looked for {string.Join(", ", candidates)}.");
    }

    /// <summary>What to start, with standard input, output and error redirected. The key comes by standard input, never here.</summary>
    public static ProcessStartInfo Command(string program, string socket, string directory, RuntimeOptions options)
    {
        var start = new ProcessStartInfo
        {
            FileName = program.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) ? DotnetHost() : program,
            WorkingDirectory = directory,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (start.FileName != program)
            start.ArgumentList.Add(program);
        start.ArgumentList.Add("--socket");
        start.ArgumentList.Add(socket);
        foreach (var name in start.Environment.Keys.Where(name => IsHidden(name, options)).ToArray())
            start.Environment.Remove(name);
        // Its tools' socket would be open to every notebook of the same user.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        return start;
    }

    private static bool IsHidden(string variable, RuntimeOptions options) =>
        ServerVariables.Contain(variable) || options.HiddenVariables.Contains(variable, StringComparer.OrdinalIgnoreCase);

    private static string[] Candidates(string own)
    {
        var executable = OperatingSystem.IsWindows() ? Name + ".exe" : Name;
        // Build output: …/bin/<project>/<configuration>/
        var sibling = Path.GetFullPath(Path.Combine(own, "..", "..", "Livebook.Runtime", Path.GetFileName(Path.TrimEndingDirectorySeparator(own))));
        return
        [
            .. new[] { Path.Combine(own, "runtime"), own, sibling }.SelectMany(folder =>
                new[] { Path.Combine(folder, executable), Path.Combine(folder, Name + ".dll") }
            ),
        ];
    }

    private static string DotnetHost()
    {
        if (Environment.ProcessPath is { } self && Path.GetFileNameWithoutExtension(self) == "dotnet")
            return self;
        var host = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        return Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } root && File.Exists(Path.Combine(root, host))
            ? Path.Combine(root, host)
            : host;
    }
}
