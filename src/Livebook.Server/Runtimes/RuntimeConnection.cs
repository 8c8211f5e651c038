using System.Net.Sockets;
using System.Text.Json;
using System.Threading.Channels;
using Livebook.Protocol;

namespace Livebook.Server.Runtimes;

/// <summary>The socket to one runtime: commands go out and reports come in, both in order.</summary>
internal sealed class RuntimeConnection : IAsyncDisposable
{
    /// <summary>A runtime that has this many commands to read has stopped reading.</summary>
    private const int MaximumCommands = 10_000;

    /// <summary>Reports are acknowledged together: after this many, or when none came for a while.</summary>
    private const long AcknowledgeAfter = 100;

    /// <summary>So many reports are on their way into the session's log at once: those of a short cell share one append.</summary>
    private const int Window = 16;
    private static readonly TimeSpan AcknowledgeDelay = TimeSpan.FromMilliseconds(100);

    private readonly Stream _stream;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _writing;
    private readonly Channel<RuntimeCommand> _commands = Channel.CreateBounded<RuntimeCommand>(
        new BoundedChannelOptions(MaximumCommands) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true }
    );
    private string? _broken;

    /// <summary>Takes a connection over, and its stream with it.</summary>
    public RuntimeConnection(Stream stream, TimeProvider time)
    {
        _stream = stream;
        _time = time;
        _writing = WriteAsync();
    }

    /// <exception cref="SocketException">Nobody listens there (yet).</exception>
    public static async Task<RuntimeConnection> ConnectAsync(string path, TimeProvider time, CancellationToken stop) => new(await OpenAsync(path, stop), time);

    /// <exception cref="SocketException">Nobody listens there (yet).</exception>
    public static async Task<Stream> OpenAsync(string path, CancellationToken stop)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Send(RuntimeCommand command)
    {
        if (_commands.Writer.TryWrite(command) || _stop.IsCancellationRequested)
            return;
        if (!_commands.Reader.Completion.IsCompleted && _commands.Reader.Count >= MaximumCommands)
            Break("The runtime does not take commands any more.");
    }

    /// <summary>Reads until the runtime ends the connection or breaks the protocol. Returns what was wrong, null when it just ended.</summary>
    /// <param name="last">Sequence of the last report that is known already; it and those before are passed over.</param>
    /// <param name="deliver">
    /// Takes a report when it is called, and completes when the report is stored: only then it is acknowledged. The first one is waited for alone,
    /// because the session may not be ready for it yet.
    /// </param>
    public async Task<string?> ReadAsync(long last, Func<ReportFrame, Task> deliver)
    {
        var first = true;
        var (stored, acknowledged) = (last, last);
        var underway = new Queue<(long Sequence, Task Stored)>();
        await using var buffered = new BufferedStream(_stream, 64 * 1024);
        try
        {
            while (true)
            {
                var reading = Frames.ReadAsync(buffered, _stop.Token).AsTask();
                while (underway.TryPeek(out var oldest) && (underway.Count == Window || await Task.WhenAny(oldest.Stored, reading) == oldest.Stored))
                    await StoredAsync();
                if (stored > acknowledged && (stored - acknowledged >= AcknowledgeAfter || !await IsSoonAsync(reading)))
                    Acknowledge();
                if (await reading is not { } body)
                    return _broken;
                var frame = JsonSerializer.Deserialize(body, ProtocolJson.Default.ReportFrame) ?? throw new InvalidDataException("a report was null");
                if (frame.Sequence <= last)
                    continue;
                if (!first && frame.Sequence != last + 1)
                    throw new InvalidDataException($"report {frame.Sequence} came after {last}");
                underway.Enqueue((frame.Sequence, deliver(frame)));
                last = frame.Sequence;
                if (first)
                    await StoredAsync();
                first = false;
            }
        }
        catch (Exception error) when (error is InvalidDataException or JsonException or NotSupportedException)
        {
            return $"The runtime broke the protocol: {error.Message}";
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            return _broken;
        }
        finally
        {
            await Task.WhenAll(underway.Select(report => report.Stored));
        }

        async Task StoredAsync()
        {
            var (sequence, done) = underway.Dequeue();
            await done;
            stored = sequence;
        }

        void Acknowledge()
        {
            Send(new RuntimeCommand.AcknowledgeReports(stored));
            acknowledged = stored;
        }
    }

    /// <summary>Sends what is queued, for at most a second, and ends the connection.</summary>
    public async Task FinishAsync()
    {
        _commands.Writer.TryComplete();
        await Task.WhenAny(_writing, Task.Delay(TimeSpan.FromSeconds(1), _time));
        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _commands.Writer.TryComplete();
        await _stop.CancelAsync();
        await _stream.DisposeAsync();
        await _writing;
    }

    private async Task<bool> IsSoonAsync(Task reading) => reading.IsCompleted || await Task.WhenAny(reading, Task.Delay(AcknowledgeDelay, _time)) == reading;

    private async Task WriteAsync()
    {
        try
        {
            await foreach (var command in _commands.Reader.ReadAllAsync(_stop.Token))
                await Frames.WriteAsync(_stream, JsonSerializer.SerializeToUtf8Bytes(command, ProtocolJson.Default.RuntimeCommand), _stop.Token);
        }
        catch (ArgumentOutOfRangeException error)
        {
            Break($"A command was too large for the runtime: {error.Message}");
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The reading side notices the end of the connection and tells.
        }
    }

    private void Break(string reason)
    {
        _broken ??= reason;
        _stop.Cancel();
    }
}
