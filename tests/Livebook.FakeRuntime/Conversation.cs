using System.Collections.Immutable;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using Livebook.Protocol;

namespace Livebook.FakeRuntime;

/// <summary>Speaks the runtime's side of the protocol. The source of a cell says how to behave.</summary>
internal sealed class Conversation(string mode, string key, string[] arguments)
{
    private readonly List<ReportFrame> _kept = [];
    private RuntimeCommand.Assign? _assigned;
    private bool _deaf;
    private int _acknowledgements;
    private long _sequence;
    private Stream? _stream;

    public async Task ListenAsync(string path)
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        Keep(new RuntimeReport.Ready(mode == "protocol" ? 99 : 1, Environment.ProcessId, "fake", ["csharp"]));
        while (true)
        {
            using var socket = await listener.AcceptAsync();
            await using var stream = new NetworkStream(socket);
            await ServeAsync(stream);
            if (_assigned is null)
                return;
        }
    }

    private async Task ServeAsync(Stream stream)
    {
        _stream = stream;
        try
        {
            while (await Frames.ReadAsync(stream, CancellationToken.None) is { } body)
                await ObeyAsync(JsonSerializer.Deserialize(body, ProtocolJson.Default.RuntimeCommand)!);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // The connection has ended, by whoever it was.
        }
    }

    private async Task ObeyAsync(RuntimeCommand command)
    {
        switch (command)
        {
            case RuntimeCommand.Hello hello when hello.Key != key:
                await _stream!.DisposeAsync();
                break;
            case RuntimeCommand.Hello hello:
                _kept.RemoveAll(frame => frame.Sequence <= hello.LastReport);
                foreach (var frame in _kept.ToArray())
                    await WriteAsync(frame);
                break;
            case RuntimeCommand.Assign assign:
                _assigned = assign;
                break;
            case RuntimeCommand.AcknowledgeReports(var report):
                _acknowledgements++;
                _kept.RemoveAll(frame => frame.Sequence <= report);
                break;
            case RuntimeCommand.Evaluate evaluate:
                await EvaluateAsync(evaluate);
                break;
            case RuntimeCommand.Shutdown when !_deaf:
                Environment.Exit(0);
                break;
        }
    }

    private async Task EvaluateAsync(RuntimeCommand.Evaluate evaluate)
    {
        var words = evaluate.Source.Split(' ');
        switch (words[0])
        {
            case "say":
                await SayAsync(evaluate, evaluate.Source["say ".Length..]);
                break;
            case "spam":
                for (var count = 0; count < int.Parse(words[1]); count++)
                    await SayAsync(evaluate, $"{count}");
                break;
            case "keep":
                // Reports that the server does not get on this connection.
                Keep(Text(evaluate, "kept"));
                return;
            case "environment":
                await SayAsync(evaluate, string.Join('\n', Environment.GetEnvironmentVariables().Keys.Cast<string>().Order()));
                break;
            case "arguments":
                await SayAsync(evaluate, string.Join('\n', arguments));
                break;
            case "assigned":
                await SayAsync(evaluate, $"{_assigned?.Session} {_assigned?.Epoch} {_assigned?.Directory}");
                break;
            case "acknowledgements":
                await SayAsync(evaluate, $"{_acknowledgements} {_kept.Count}");
                break;
            case "child":
                using (var child = Process.Start("sleep", "1000"))
                    await SayAsync(evaluate, $"{child.Id}");
                break;
            case "deaf":
                _deaf = true;
                break;
            case "exit":
                Environment.Exit(int.Parse(words[1]));
                break;
            case "die":
                await SayAsync(evaluate, "dying");
                Process.GetCurrentProcess().Kill();
                await Task.Delay(Timeout.Infinite);
                break;
            case "close":
                await _stream!.DisposeAsync();
                break;
            case "gap":
                _sequence += 5;
                break;
            case "garbage":
                await _stream!.WriteAsync(new byte[] { 0xFF, 0xFF, 0xFF, 0x7F });
                break;
        }
        await TellAsync(new RuntimeReport.Finished(evaluate.Cell, evaluate.Evaluation, EvaluationStatus.Ok, 1, []));
    }

    private Task SayAsync(RuntimeCommand.Evaluate evaluate, string text) => TellAsync(Text(evaluate, text));

    private static RuntimeReport.Produced Text(RuntimeCommand.Evaluate evaluate, string text) =>
        new(evaluate.Cell, evaluate.Evaluation, Output.Text(OutputKind.Stdout, text));

    private Task TellAsync(RuntimeReport report) => WriteAsync(Keep(report));

    private ReportFrame Keep(RuntimeReport report)
    {
        var frame = new ReportFrame(++_sequence, report);
        _kept.Add(frame);
        return frame;
    }

    private async Task WriteAsync(ReportFrame frame) =>
        await Frames.WriteAsync(_stream!, JsonSerializer.SerializeToUtf8Bytes(frame, ProtocolJson.Default.ReportFrame), CancellationToken.None);
}
