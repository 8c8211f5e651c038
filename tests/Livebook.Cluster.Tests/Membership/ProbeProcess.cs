using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Livebook.Cluster.Tests.Membership;

/// <summary>A node in a process of its own, to be killed or frozen.</summary>
internal sealed class ProbeProcess : IAsyncDisposable
{
    private const int Stop = 19;
    private const int Continue = 18;

    private readonly Process process;
    private readonly ConcurrentQueue<string> lines = new();

    /// <param name="protocols">What it announces; null = those of this build.</param>
    public ProbeProcess(string node, int port, TinyDns dns, string cookie = "cookie", (int Lowest, int Highest)? protocols = null)
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        var exe = Path.Combine(here.Parent!.Parent!.FullName, "Livebook.ClusterProbe", here.Name, "Livebook.ClusterProbe");
        process = new()
        {
            StartInfo = new(exe, [node, $"{port}", $"{dns.EndPoint.Port}", .. protocols is var (lowest, highest) ? new[] { $"{lowest}", $"{highest}" } : []])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                Environment = { ["LIVEBOOK_COOKIE"] = cookie },
            },
        };
        process.OutputDataReceived += (_, line) => lines.Enqueue(line.Data ?? "");
        process.Start();
        process.BeginOutputReadLine();
    }

    public IReadOnlyList<string> Lines => [.. lines];

    public void Kill() => process.Kill();

    public void Freeze() => Assert.Equal(0, Signal(process.Id, Stop));

    public void Thaw() => Assert.Equal(0, Signal(process.Id, Continue));

    public void Say(string line) => process.StandardInput.WriteLine(line);

    public async Task SaysAsync(string line)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!lines.Contains(line))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < Watched.Patience, $"Waited in vain for \"{line}\"; there was:\n{string.Join("\n", lines)}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Signal(int process, int signal);
}
