using System.Diagnostics;
using System.Runtime.InteropServices;
using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Secrets;

/// <summary>The server and .NET in a place that every user can reach: the working copy may be in somebody's home.</summary>
public sealed class PublicPlace : IDisposable
{
    private readonly string _copy = Directory.CreateTempSubdirectory("livebook-public-").FullName;

    public PublicPlace()
    {
        File.SetUnixFileMode(_copy, (UnixFileMode)0b111_101_101);
        var configuration = Path.GetDirectoryName(Repository.Server)!;
        var runtime = Path.Combine(configuration, "..", "..", "Livebook.Runtime", Path.GetFileName(configuration));
        Server = Path.Combine(Copy(configuration, "bin/Livebook.Web/debug"), "livebook.dll");
        Copy(Path.GetFullPath(runtime), "bin/Livebook.Runtime/debug");
        var dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        if (!IsPublic(dotnet))
        {
            foreach (var part in new[] { "host", "shared/Microsoft.NETCore.App", "shared/Microsoft.AspNetCore.App" })
                Copy(Path.Combine(dotnet, part), $"dotnet/{part}");
            Run("cp", Path.Combine(dotnet, "dotnet"), Path.Combine(_copy, "dotnet"));
            dotnet = Path.Combine(_copy, "dotnet");
        }
        DotnetRoot = dotnet;
    }

    public string Server { get; }

    public string DotnetRoot { get; }

    public string Dotnet => Path.Combine(DotnetRoot, "dotnet");

    private string Copy(string from, string to)
    {
        var target = Path.Combine(_copy, to);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        Run("cp", "-r", from, target);
        Run("chmod", "-R", "a+rX", _copy);
        return target;
    }

    private static bool IsPublic(string directory)
    {
        for (var at = directory; at is not null; at = Path.GetDirectoryName(at))
        {
            if (!File.GetUnixFileMode(at).HasFlag(UnixFileMode.OtherExecute))
                return false;
        }
        return true;
    }

    internal static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    public void Dispose() => Directory.Delete(_copy, recursive: true);
}
