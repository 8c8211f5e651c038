using System.Buffers;
using System.Net.WebSockets;
using System.Text.Json;
using Livebook.Cluster;
using Livebook.Core.Json;
using Livebook.Server.Sessions;
using Livebook.Web.Auth;
using Livebook.Web.Configuration;
using Livebook.Web.Health;
using Livebook.Web.Hosting;

namespace Livebook.Web.Sessions;

/// <summary>The browser's door: <c>/ws</c>, JSON text frames both ways.</summary>
internal static partial class PageSocket
{
    private const int FirstBufferBytes = 4 * 1024;

    /// <summary>How long a page may take to answer a close.</summary>
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(2);

    public static void MapPageSocket(this IEndpointRouteBuilder routes) => routes.Map("/ws", AcceptAsync);

    private static async Task AcceptAsync(
        HttpContext context,
        Pages pages,
        ICluster cluster,
        LivebookConfiguration configuration,
        ILoggerFactory logs,
        IHostApplicationLifetime lifetime
    )
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            await Problems.WriteAsync(context, StatusCodes.Status400BadRequest, "bad-request", "This address is for web sockets.");
            return;
        }
        if (!OriginCheck.Passes(context.Request))
        {
            await Problems.WriteAsync(
                context,
                StatusCodes.Status403Forbidden,
                "forbidden",
                "The socket is not opened by this server's own page. Behind a proxy, pass the Host header on, or list x-forwarded-host in LIVEBOOK_PROXY_HEADERS."
            );
            return;
        }
        if (HealthEndpoints.NotReady(cluster) is { } reason)
        {
            context.Response.Headers.RetryAfter = "1";
            await Problems.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "not-ready", reason);
            return;
        }
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        await using var queue = new PageQueue(socket);
        await using var page = pages.Connect(queue);
        var logger = logs.CreateLogger(typeof(PageSocket).FullName!);
        try
        {
            await ReceiveAsync(socket, page, configuration.FrameBytes, stop.Token);
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException)
        {
            // The page is gone, or the server stops.
        }
        catch (Exception error) when (error is InvalidDataException or JsonException or NotSupportedException)
        {
            // NotSupportedException: an object of no kind, or of one that this server does not know.
            LogBadMessage(logger, error.Message);
            await queue.CloseAsync(WebSocketCloseStatus.PolicyViolation, error.Message);
            await HearOutAsync(socket);
        }
    }

    private static async Task ReceiveAsync(WebSocket socket, Page page, long limit, CancellationToken stop)
    {
        while (true)
        {
            // Waits without a buffer: most pages are idle most of the time.
            var first = await socket.ReceiveAsync(Memory<byte>.Empty, stop);
            if (first.MessageType == WebSocketMessageType.Close)
                return;
            using var body = new ArrayPoolBufferWriter(FirstBufferBytes);
            while (!first.EndOfMessage)
            {
                first = await socket.ReceiveAsync(body.Free(), stop);
                body.Advance(first.Count);
                if (body.Count > limit)
                    throw new InvalidDataException($"a message has at most {limit} bytes");
                if (first.MessageType != WebSocketMessageType.Text)
                    throw new InvalidDataException("messages are text");
            }
            if (body.Count == 0)
                continue;
            page.Handle(JsonSerializer.Deserialize(body.Written, WireJson.Default.ClientMessage) ?? throw new InvalidDataException("a message is an object"));
        }
    }

    /// <summary>Reads on until the page has closed too: what is ended with unread messages is reset, and the page would never see the reason.</summary>
    private static async Task HearOutAsync(WebSocket socket)
    {
        using var limit = new CancellationTokenSource(ClosePatience);
        var buffer = new byte[FirstBufferBytes];
        try
        {
            while ((await socket.ReceiveAsync(buffer.AsMemory(), limit.Token)).MessageType != WebSocketMessageType.Close) { }
        }
        catch (Exception error) when (error is OperationCanceledException or WebSocketException)
        {
            // It is gone.
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "a page's socket was closed: {Reason}")]
    private static partial void LogBadMessage(ILogger logger, string reason);

    /// <summary>Collects one message in rented arrays.</summary>
    private sealed class ArrayPoolBufferWriter(int capacity) : IDisposable
    {
        private byte[] _bytes = ArrayPool<byte>.Shared.Rent(capacity);

        public int Count { get; private set; }

        public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Count);

        public Memory<byte> Free()
        {
            if (Count == _bytes.Length)
            {
                var larger = ArrayPool<byte>.Shared.Rent(_bytes.Length * 2);
                _bytes.CopyTo(larger, 0);
                ArrayPool<byte>.Shared.Return(_bytes);
                _bytes = larger;
            }
            return _bytes.AsMemory(Count);
        }

        public void Advance(int count) => Count += count;

        public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);
    }
}
