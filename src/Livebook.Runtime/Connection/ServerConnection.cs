using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Livebook.Protocol;
using Livebook.Runtime.Host;

namespace Livebook.Runtime.Connection;

/// <summary>How long a runtime waits for a server.</summary>
/// <param name="First">From the start to the first connection.</param>
/// <param name="Later">From the loss of a connection to the next one.</param>
internal sealed record Patience(TimeSpan First, TimeSpan Later)
{
    public static Patience Default { get; } = new(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(60));
}

/// <summary>
/// The socket that the server talks to. One connection counts, the latest that knows the key. Completes when the runtime is to end: told so,
/// or without a server for too long.
/// </summary>
/// <param name="handle">Takes a command other than those about the connection; false ends the runtime.</param>
internal sealed class ServerConnection(
    string path,
    string key,
    Patience patience,
    ReportLog reports,
    Func<int, RuntimeReport.Ready> ready,
    Func<RuntimeCommand, bool> handle,
    Func<bool> isAssigned
) : IDisposable
{
    /// <summary>Leaves mode 0600.</summary>
    private const uint OnlyOwner = 0b001_111_111;
    private static readonly TimeSpan HelloTime = TimeSpan.FromSeconds(5);
    private readonly SemaphoreSlim turn = new(1, 1);
    private readonly TaskCompletionSource<string> end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource ending = new();
    private CancellationTokenSource? current;
    private Timer? lonely;
    private bool greeted;

    /// <summary>Serves connections; the result says why the runtime ends.</summary>
    public async Task<string> RunAsync()
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        File.Delete(path);
        var mask = NativeMethods.SetFileModeMask(OnlyOwner);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        _ = NativeMethods.SetFileModeMask(mask);
        listener.Listen(4);
        lonely = new Timer(_ => end.TrySetResult("no server"), null, patience.First, Timeout.InfiniteTimeSpan);
        _ = AcceptAsync(listener);
        var reason = await end.Task;
        await ending.CancelAsync();
        File.Delete(path);
        return reason;
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (!ending.IsCancellationRequested)
            try
            {
                var socket = await listener.AcceptAsync(ending.Token);
                _ = ServeAsync(socket);
            }
            catch (Exception closed) when (closed is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                end.TrySetResult("the socket was closed");
                return;
            }
    }

    private async Task ServeAsync(Socket socket)
    {
        using var connection = CancellationTokenSource.CreateLinkedTokenSource(ending.Token);
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            if (await GreetAsync(stream, connection.Token) is not { } hello)
                return;
            await TakeOverAsync(connection);
            try
            {
                await ConverseAsync(stream, hello, connection.Token);
            }
            finally
            {
                Leave(connection);
            }
        }
        catch (Exception broken) when (broken is IOException or InvalidDataException or JsonException or OperationCanceledException or SocketException)
        {
            // The connection is over; the server comes back or it does not.
        }
    }

    private async Task<RuntimeCommand.Hello?> GreetAsync(NetworkStream stream, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(HelloTime);
        if (await ReadAsync(stream, limit.Token) is not RuntimeCommand.Hello hello)
            return null;
        var known = CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(hello.Key), Encoding.UTF8.GetBytes(key));
        return known && Version(hello) >= Math.Max(hello.ProtocolMin, Frames.ProtocolMin) ? hello : null;
    }

    private static int Version(RuntimeCommand.Hello hello) => Math.Min(hello.ProtocolMax, Frames.ProtocolMax);

    private async Task TakeOverAsync(CancellationTokenSource connection)
    {
        var previous = Interlocked.Exchange(ref current, connection);
        lonely!.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        try
        {
            if (previous is not null)
                await previous.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself just now.
        }
        await turn.WaitAsync(connection.Token);
    }

    private void Leave(CancellationTokenSource connection)
    {
        turn.Release();
        if (Interlocked.CompareExchange(ref current, null, connection) != connection)
            return;
        if (isAssigned())
            lonely!.Change(patience.Later, Timeout.InfiniteTimeSpan);
        else
            end.TrySetResult("a spare ends with its server");
    }

    private async Task ConverseAsync(NetworkStream stream, RuntimeCommand.Hello hello, CancellationToken stop)
    {
        if (!greeted)
            reports.Add(ready(Version(hello)));
        greeted = true;
        reports.Acknowledge(hello.LastReport);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var sending = OnThread("send", () => Send(stream, hello.LastReport, over.Token));
        var receiving = OnThread("receive", () => Receive(stream));
        await Task.WhenAny(sending, receiving, Task.Delay(Timeout.Infinite, stop));
        await over.CancelAsync();
        reports.Wake();
        stream.Socket.Shutdown(SocketShutdown.Both);
        await Task.WhenAll(sending, receiving);
    }

    /// <summary>Threads of their own, because user code may keep the whole pool busy, and must be stoppable then.</summary>
    private static Task OnThread(string name, Action work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                work();
            }
            catch (Exception broken) when (broken is IOException or InvalidDataException or JsonException or ObjectDisposedException)
            {
                // The connection is over.
            }
            done.SetResult();
        })
        {
            IsBackground = true,
            Name = name,
        }.Start();
        return done.Task;
    }

    private void Send(NetworkStream stream, long last, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
            foreach (var report in reports.Read(last, stop))
            {
                var body = JsonSerializer.SerializeToUtf8Bytes(report, ProtocolJson.Default.ReportFrame);
                var written = Frames.WriteAsync(new BlockingStream(stream), body, stop);
                Debug.Assert(written.IsCompleted, "a blocking stream completes at once");
                written.GetAwaiter().GetResult();
                last = report.Sequence;
            }
    }

    private void Receive(NetworkStream stream)
    {
        while (Read(stream) is { } command)
            if (command is RuntimeCommand.AcknowledgeReports acknowledged)
                reports.Acknowledge(acknowledged.Report);
            else if (command is not RuntimeCommand.Hello && !handle(command))
                end.TrySetResult("told to end");
    }

    private static RuntimeCommand? Read(NetworkStream stream)
    {
        var frame = Frames.ReadAsync(new BlockingStream(stream), CancellationToken.None);
        Debug.Assert(frame.IsCompleted, "a blocking stream completes at once");
        return frame.GetAwaiter().GetResult() is { } body ? JsonSerializer.Deserialize(body, ProtocolJson.Default.RuntimeCommand) : null;
    }

    public void Dispose()
    {
        lonely?.Dispose();
        turn.Dispose();
        ending.Dispose();
    }

    private static async Task<RuntimeCommand?> ReadAsync(NetworkStream stream, CancellationToken stop) =>
        await Frames.ReadAsync(stream, stop) is { } frame ? JsonSerializer.Deserialize(frame, ProtocolJson.Default.RuntimeCommand) : null;
}
