using System.Collections.Immutable;
using System.Reflection;
using Livebook.Drill;
using Livebook.Drill.Nodes;

namespace Livebook.Web.Cli;

/// <param name="Matrix"><c>short</c>, <c>full</c> or null.</param>
/// <param name="SoakMinutes">0 = none.</param>
/// <param name="Network">First three parts of the nodes' loopback addresses; null: some that other drills hardly take.</param>
internal sealed record DrillOptions(
    int Nodes,
    int Faults,
    int Seed,
    string? Matrix,
    FileInfo? Report,
    string? Network,
    ImmutableArray<string> Crippled,
    int SoakMinutes
);

/// <summary>Shows on this machine what a cluster survives. Its room is loaded by nothing else.</summary>
internal static class DrillCommand
{
    private const int Held = 0;
    private const int Violated = 1;

    /// <summary>What shells make of SIGINT: 128 + 2.</summary>
    private const int Interrupted = 130;

    public static async Task<int> RunAsync(DrillOptions options, CancellationToken stop)
    {
        var network = options.Network ?? $"127.{200 + Environment.ProcessId % 50}.{1 + Environment.ProcessId / 50 % 250}";
        var shape = new ClusterShape(OwnProgram(), options.Nodes, network, options.Crippled);
        bool? full = options.Matrix is null ? null : options.Matrix == "full";
        try
        {
            var run = new DrillRun(new DrillSettings(shape, options.Seed, options.Faults, full) { SoakMinutes = options.SoakMinutes }, Console.Error.WriteLine);
            var report = await run.RunAsync(stop);
            Console.Write(report);
            if (options.Report is { } file)
                await File.WriteAllTextAsync(file.FullName, report.ToString(), stop);
            return report.Violations.Count == 0 ? Held : Violated;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return Interrupted;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidOperationException or TimeoutException)
        {
            await Console.Error.WriteLineAsync($"The drill could not be held: {error.Message}");
            return Violated;
        }
    }

    /// <summary>This very program, as a server.</summary>
    private static NodeProgram OwnProgram()
    {
        var program = Environment.ProcessPath ?? "dotnet";
        var assembly = Assembly.GetEntryAssembly()?.Location ?? "";
        return Path.GetFileNameWithoutExtension(program) == "dotnet" ? new NodeProgram(program, [assembly, "server"]) : new NodeProgram(program, ["server"]);
    }
}
