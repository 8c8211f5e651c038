using Livebook.Cluster;
using Livebook.Core.Imports;
using Livebook.Core.LiveMarkdown;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Server;
using Livebook.Server.Files;
using Livebook.Server.Runtimes;
using Livebook.Server.Sessions;
using Microsoft.Extensions.Logging.Abstractions;

namespace Livebook.Web.Cli;

/// <param name="TimeoutSeconds">For the whole run; null = none.</param>
/// <param name="Strict">An unsupported cell fails the run.</param>
internal sealed record RunOptions(FileInfo File, FileInfo? Output, FileInfo? Report, double? TimeoutSeconds, bool KeepGoing, bool Strict);

/// <summary>Evaluates a notebook without a server: the same session, with nobody looking.</summary>
internal sealed class RunCommand(RunOptions options)
{
    private const int AllFine = 0;
    private const int CellFailed = 1;
    private const int TimedOut = 3;

    /// <summary>What shells make of SIGINT: 128 + 2.</summary>
    private const int Interrupted = 130;

    /// <summary>How long a cell that is out of time may take to stop.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);

    public async Task<int> RunAsync(CancellationToken stop)
    {
        ReadNotebook read;
        try
        {
            read = NotebookReading.Read(options.File.Name, await File.ReadAllBytesAsync(options.File.FullName, stop), "run");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotebookFormatException)
        {
            await Console.Error.WriteLineAsync($"{options.File.Name} cannot be read: {error.Message}");
            return CommandLine.BadUsage;
        }
        foreach (var warning in read.Warnings)
            await Console.Error.WriteLineAsync($"{options.File.Name}: {warning}");

        var data = Directory.CreateTempSubdirectory("livebook-run-");
        try
        {
            await using var server = Server(data.FullName);
            await server.StartAsync(stop);
            return await RunAsync(server, read.Notebook, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return Interrupted;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return CommandLine.BadUsage;
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }

    private static LivebookServer Server(string data)
    {
        var cluster = ClusterNode.Create(
            new ClusterOptions
            {
                Node = "livebook@127.0.0.1",
                DataPath = data,
                Version = CommandLine.Version,
            },
            NullLoggerFactory.Instance,
            TimeProvider.System
        );
        var runtimes = new ProcessRuntimes(new RuntimeOptions { DataPath = data, Spares = 0 }, NullLoggerFactory.Instance, TimeProvider.System);
        return new LivebookServer(
            new ServerOptions
            {
                DataPath = data,
                Home = data,
                IdSecret = [],
                Limits = new ServerLimits { FreeDiskBytes = 0 },
            },
            cluster,
            runtimes,
            new NotebookFiles(),
            new DiskSpace(data),
            NullLoggerFactory.Instance,
            TimeProvider.System
        );
    }

    private async Task<int> RunAsync(LivebookServer server, Notebook notebook, CancellationToken stop)
    {
        var began = TimeProvider.System.GetTimestamp();
        // Nothing is saved by itself: only --output is written.
        var opened = await server.Sessions.CreateHereAsync(notebook with { AutosaveSeconds = null }, options.File.DirectoryName!, stop);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        if (options.TimeoutSeconds is { } seconds)
            limit.CancelAfter(TimeSpan.FromSeconds(seconds));
        var printer = new OutputPrinter();
        var timedOut = false;
        try
        {
            await EvaluateAsync(server, opened.Id, printer, limit.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            timedOut = true;
            await Console.Error.WriteLineAsync($"Timed out after {options.TimeoutSeconds} s.");
            await StopAsync(server, opened.Id, stop);
        }
        var state = await StateAsync(server, opened.Id, stop);
        printer.Print(state);
        var report = RunReport.Of(options.File.Name, state, TimeProvider.System.GetElapsedTime(began), timedOut, options.Strict);
        if (options.Report is { } file)
            await File.WriteAllBytesAsync(file.FullName, report.ToJson(), stop);
        if (options.Output is { } output)
            await File.WriteAllBytesAsync(output.FullName, WriteNotebook(output, state, notebook), stop);
        return timedOut ? TimedOut
            : report.Failed ? CellFailed
            : AllFine;
    }

    private static byte[] WriteNotebook(FileInfo output, SessionState state, Notebook original)
    {
        var notebook = SessionNotebook.WithOutputs(state) with { AutosaveSeconds = original.AutosaveSeconds };
        return output.Extension == ".ipynb" ? IpynbWriter.WriteBytes(notebook) : LiveMarkdownWriter.WriteBytes(notebook, withOutputs: true);
    }

    /// <summary>Runs cell by cell in order; behind a failed one it ends, or goes on with what was left out.</summary>
    private async Task EvaluateAsync(LivebookServer server, string session, OutputPrinter printer, CancellationToken stop)
    {
        var state = await StateAsync(server, session, stop);
        var todo = RunReport.CellsOf(state.Notebook).Select(cell => cell.Id).ToList();
        while (todo.Count > 0)
        {
            var reply = await server.Sessions.SubmitAsync(session, new ClientOperation.Evaluate([.. todo]), null, null, stop);
            if (reply.Error is { } refusal)
                throw new InvalidOperationException(refusal);
            state = await UntilIdleAsync(server, session, reply.Version, printer, stop);
            if (state.Runtime.Status == "down")
            {
                await Console.Error.WriteLineAsync($"The runtime ended: {state.Runtime.Message}");
                return;
            }
            var left = todo.Where(id => state.StateOf(id).Evaluation == 0).ToList();
            if (!options.KeepGoing || left.Count == todo.Count)
                return;
            todo = left;
        }
    }

    private async Task<SessionState> UntilIdleAsync(LivebookServer server, string session, long version, OutputPrinter printer, CancellationToken stop)
    {
        SessionState? last = null;
        var cancelled = false;
        await foreach (var state in server.Sessions.WatchHereAsync(session, stop))
        {
            last = state;
            printer.Print(state);
            var failed = state.Cells.Values.Any(cell =>
                cell is { Status: CellStatus.Ready, Errored: true } or { Status: CellStatus.Ready, Validity: CellValidity.Aborted }
            );
            if (failed && !options.KeepGoing && !cancelled && !state.Queue.IsEmpty)
            {
                cancelled = true;
                await server.Sessions.SubmitAsync(session, new ClientOperation.Cancel(), null, null, stop);
            }
            var idle = state.Queue.IsEmpty && state.Cells.Values.All(cell => cell.Status == CellStatus.Ready);
            if (state.Version >= version && (idle || state.Runtime.Status == "down"))
                break;
        }
        return last ?? throw new InvalidOperationException("the session ended");
    }

    private static async Task StopAsync(LivebookServer server, string session, CancellationToken stop)
    {
        await server.Sessions.SubmitAsync(session, new ClientOperation.Cancel(), null, null, stop);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(StopPatience);
        try
        {
            await foreach (var state in server.Sessions.WatchHereAsync(session, patience.Token))
            {
                if (state.Cells.Values.All(cell => cell.Status == CellStatus.Ready))
                    return;
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // It does not stop: it ends with its runtime.
        }
    }

    private static async Task<SessionState> StateAsync(LivebookServer server, string session, CancellationToken stop)
    {
        await foreach (var state in server.Sessions.WatchHereAsync(session, stop))
            return state;
        throw new InvalidOperationException("the session ended");
    }
}
