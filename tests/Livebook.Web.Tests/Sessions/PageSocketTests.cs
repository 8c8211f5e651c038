using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Sessions;

public sealed class PageSocketTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_page_of_this_server_joins_a_session_and_changes_it()
    {
        await using var server = await TestServer.StartAsync();
        var id = await server.Api.NewSessionAsync("# Live\n\n## One\n\n```csharp\n1\n```\n");
        using var socket = await ConnectAsync(server, await CookieAsync(server), server.Address.GetLeftPart(UriPartial.Authority));
        await SendAsync(
            socket,
            new
            {
                type = "join",
                session = id,
                client = "0123456789abcdef",
                userName = "Ada",
                userColor = "1",
            }
        );
        var joined = await ReadAsync(socket, "joined");
        Assert.Equal(id, joined.GetProperty("session").GetString());
        await SendAsync(
            socket,
            new
            {
                type = "submit",
                @ref = 1,
                operation = new { op = "rename_notebook", name = "Alive" },
            }
        );
        var answer = await ReadAsync(socket, "accepted");
        Assert.Equal(1, answer.GetProperty("ref").GetInt32());
        Assert.Equal("Alive", (await server.Api.GetAsync(200, $"sessions/{id}")).Json.GetProperty("name").GetString());
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData("http://127.0.0.1:1")]
    [InlineData("null")]
    public async Task A_page_of_another_site_gets_no_socket(string origin)
    {
        await using var server = await TestServer.StartAsync();
        var cookie = await CookieAsync(server);
        Assert.Equal(HttpStatusCode.Forbidden, await RefusalAsync(server, cookie, origin));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/ui/sessions") { Content = new StringContent("{}", Encoding.UTF8, "application/json") };
        using var response = await server.SendAsync(request, ("Cookie", cookie), ("Origin", origin));
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Equal(0, (await server.Api.GetAsync(200, "sessions")).Json.GetArrayLength());
    }

    [Fact]
    public async Task Without_a_cookie_there_is_no_socket()
    {
        await using var server = await TestServer.StartAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, await RefusalAsync(server, null, null));
        Assert.Equal(HttpStatusCode.Unauthorized, await RefusalAsync(server, "livebook_session=1.2", null));
    }

    [Fact]
    public async Task A_proxy_that_ends_TLS_keeps_the_origin_right()
    {
        await using var server = await TestServer.StartAsync(
            ("LIVEBOOK_TOKEN_ENABLED", "false"),
            ("LIVEBOOK_PROXY_HEADERS", "x-forwarded-host,x-forwarded-proto")
        );
        using var socket = await ConnectAsync(
            server,
            null,
            "https://livebook.example",
            ("X-Forwarded-Host", "livebook.example"),
            ("X-Forwarded-Proto", "https")
        );
        await SendAsync(socket, new { type = "ping", at = 1.5 });
        Assert.Equal(1.5, (await ReadAsync(socket, "pong")).GetProperty("at").GetDouble());
    }

    [Fact]
    public async Task A_message_over_the_limit_ends_its_socket_with_the_reason_and_no_other()
    {
        await using var server = await TestServer.StartAsync(("LIVEBOOK_TOKEN_ENABLED", "false"), ("LIVEBOOK_SOCKET_FRAME_LIMIT_BYTES", "65536"));
        using var other = await ConnectAsync(server, null, null);
        using var socket = await ConnectAsync(server, null, null);
        await SendAsync(
            socket,
            new
            {
                type = "ping",
                at = 1,
                filler = new string('x', 70_000),
            }
        );
        Assert.Equal((WebSocketCloseStatus.PolicyViolation, "a message has at most 65536 bytes"), await ClosedAsync(socket));
        await SendAsync(
            other,
            new
            {
                type = "ping",
                at = 2,
                filler = new string('x', 60_000),
            }
        );
        Assert.Equal(2, (await ReadAsync(other, "pong")).GetProperty("at").GetDouble());
    }

    [Theory]
    [InlineData("no json")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{ "type": "launch_rockets" }""")]
    [InlineData("""{ "type": "submit", "ref": 1, "operation": { "op": "reported" } }""")]
    [InlineData("""{ "type": "submit", "ref": 1, "operation": {} }""")]
    public async Task A_message_that_is_none_ends_the_socket(string message)
    {
        await using var server = await TestServer.StartAsync(("LIVEBOOK_TOKEN_ENABLED", "false"));
        using var socket = await ConnectAsync(server, null, null);
        await socket.SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text, true, Stop);
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, (await ClosedAsync(socket)).Status);
    }

    [Fact]
    public async Task The_address_of_sockets_answers_other_requests_with_a_problem()
    {
        await using var server = await TestServer.StartAsync(("LIVEBOOK_TOKEN_ENABLED", "false"));
        using var response = await server.GetAsync("/ws");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    private static async Task<string> CookieAsync(TestServer server)
    {
        using var response = await server.GetAsync($"/?token={server.Token}");
        return response.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
    }

    private static async Task<ClientWebSocket> ConnectAsync(TestServer server, string? cookie, string? origin, params (string Name, string Value)[] headers)
    {
        var socket = Prepare(cookie, origin, headers);
        await socket.ConnectAsync(AddressOf(server), Stop);
        return socket;
    }

    private static async Task<HttpStatusCode> RefusalAsync(TestServer server, string? cookie, string? origin)
    {
        using var socket = Prepare(cookie, origin, []);
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(AddressOf(server), Stop));
        return socket.HttpStatusCode;
    }

    private static ClientWebSocket Prepare(string? cookie, string? origin, (string Name, string Value)[] headers)
    {
        var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        if (cookie is not null)
            socket.Options.SetRequestHeader("Cookie", cookie);
        if (origin is not null)
            socket.Options.SetRequestHeader("Origin", origin);
        foreach (var (name, value) in headers)
            socket.Options.SetRequestHeader(name, value);
        return socket;
    }

    private static Uri AddressOf(TestServer server) => new UriBuilder(server.Address) { Scheme = "ws", Path = "/ws" }.Uri;

    private static Task SendAsync(ClientWebSocket socket, object message) =>
        socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(message), WebSocketMessageType.Text, true, Stop);

    /// <summary>The next message of a kind.</summary>
    private static async Task<JsonElement> ReadAsync(ClientWebSocket socket, string type)
    {
        while (await ReceiveAsync(socket) is { } message)
        {
            if (message.GetProperty("type").GetString() == type)
                return message;
        }
        throw new InvalidOperationException($"closed: {socket.CloseStatus} {socket.CloseStatusDescription}");
    }

    private static async Task<(WebSocketCloseStatus? Status, string? Reason)> ClosedAsync(ClientWebSocket socket)
    {
        while (await ReceiveAsync(socket) is not null) { }
        return (socket.CloseStatus, socket.CloseStatusDescription);
    }

    private static async Task<JsonElement?> ReceiveAsync(ClientWebSocket socket)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        using var message = new MemoryStream();
        var buffer = new byte[16 * 1024];
        WebSocketReceiveResult received;
        do
        {
            received = await socket.ReceiveAsync(buffer, limit.Token);
            if (received.MessageType == WebSocketMessageType.Close)
                return null;
            message.Write(buffer, 0, received.Count);
        } while (!received.EndOfMessage);
        return JsonDocument.Parse(message.ToArray()).RootElement;
    }
}
