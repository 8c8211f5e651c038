using System.Collections.Immutable;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using Livebook.Protocol;

namespace Livebook.Runtime.Tests.Processes;

/// <summary>A real runtime process and this test's connection to it.</summary>
internal sealed class RuntimeProcess : IAsyncDisposable
{
    private const string Key = "the key of this test";
    private readonly string directory = Directory.CreateTempSubdirectory("livebook-runtime-").FullName;
    private readonly Dictionary<string, int> evaluations = [];
    private NetworkStream stream = null!;

    private RuntimeProcess(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "livebook-runtime"), ["--socket", Socket, .. arguments])
        {
            RedirectStandardInput = true,
        };
        start.Environment["LIVEBOOK_PASSWORD"] = "not for user code";
        Started = System.Diagnostics.Process.Start(start)!;
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public string Socket => Path.Combine(directory, "socket");
    public System.Diagnostics.Process Started { get; }
    public long LastReport { get; private set; }
    public bool Acknowledge { get; set; } = true;

    public static async Task<RuntimeProcess> StartAsync(params string[] arguments)
    {
        var runtime = new RuntimeProcess(arguments);
        await runtime.Started.StandardInput.WriteLineAsync(Key);
        runtime.Started.StandardInput.Close();
        return runtime;
    }

    /// <summary>Started, connected, ready and assigned.</summary>
    public static async Task<RuntimeProcess> StartReadyAsync(params string[] arguments)
    {
        var runtime = await StartAsync(arguments);
        await runtime.ConnectAsync();
        Assert.IsType<RuntimeReport.Ready>((await runtime.ReadAsync())!.Report);
        await runtime.SendAsync(
            new RuntimeCommand.Assign("s", 1, runtime.directory, ImmutableSortedDictionary<string, string>.Empty.Add("GREETING", "hi"), null)
        );
        return runtime;
    }

    public async Task ConnectAsync(string key = Key, int protocol = Frames.ProtocolMax)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (true)
        {
            var socket = new System.Net.Sockets.Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), limit.Token);
                stream = new NetworkStream(socket, ownsSocket: true);
                break;
            }
            catch (SocketException)
            {
                socket.Dispose();
                await Task.Delay(10, limit.Token);
            }
        }
        await SendAsync(new RuntimeCommand.Hello(key, protocol, protocol, LastReport));
    }

    /// <summary>As if the server had stored no later report.</summary>
    public void ForgetReportsAfter(long report) => LastReport = report;

    public void Disconnect() => stream.Dispose();

    public async Task SendAsync(RuntimeCommand command) =>
        await Frames.WriteAsync(stream, JsonSerializer.SerializeToUtf8Bytes(command, ProtocolJson.Default.RuntimeCommand), Stop);

    /// <summary>The next report, or null when the runtime has closed the connection.</summary>
    public async Task<ReportFrame?> ReadAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        try
        {
            if (await Frames.ReadAsync(stream, limit.Token) is not { } body)
                return null;
            var frame = JsonSerializer.Deserialize(body, ProtocolJson.Default.ReportFrame)!;
            Assert.Equal(LastReport + 1, frame.Sequence);
            LastReport = frame.Sequence;
            if (Acknowledge)
                await SendAsync(new RuntimeCommand.AcknowledgeReports(LastReport));
            return frame;
        }
        catch (IOException)
        {
            return null;
        }
    }

    public async Task<int> SubmitAsync(string cell, string source, params string[] path)
    {
        var number = evaluations[cell] = evaluations.GetValueOrDefault(cell) + 1;
        await SendAsync(new RuntimeCommand.Evaluate(cell, number, "csharp", source, [.. path]));
        return number;
    }

    /// <summary>Reads until a report about the cell fits; what came on the way is in the result too.</summary>
    public async Task<List<RuntimeReport>> ReadUntilAsync(Predicate<RuntimeReport> fits)
    {
        var reports = new List<RuntimeReport>();
        while (reports.Count == 0 || !fits(reports[^1]))
            reports.Add((await ReadAsync() ?? throw new IOException("the runtime closed the connection")).Report);
        return reports;
    }

    public async Task<(EvaluationStatus Status, string Text)> RunAsync(string cell, string source, params string[] path)
    {
        await SubmitAsync(cell, source, path);
        return await FinishAsync(cell);
    }

    public async Task<(EvaluationStatus Status, string Text)> FinishAsync(string cell)
    {
        var reports = await ReadUntilAsync(report => report is RuntimeReport.Finished finished && finished.Cell == cell);
        var outputs = reports.OfType<RuntimeReport.Produced>().Where(produced => produced.Cell == cell).Select(produced => produced.Output.Data["text/plain"]);
        return (((RuntimeReport.Finished)reports[^1]).Status, string.Concat(outputs));
    }

    public async Task<int> ExitCodeAsync()
    {
        await Started.WaitForExitAsync(Stop).WaitAsync(TimeSpan.FromSeconds(20), Stop);
        return Started.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        Started.Kill(entireProcessTree: true);
        await Started.WaitForExitAsync(CancellationToken.None);
        Started.Dispose();
        if (stream is not null)
            await stream.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }
}
