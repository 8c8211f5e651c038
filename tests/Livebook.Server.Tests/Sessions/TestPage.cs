using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Livebook.Core.Json;
using Livebook.Core.Sessions;
using Livebook.Core.Wire;
using Livebook.Server.Sessions;
using Livebook.Testing;

namespace Livebook.Server.Tests.Sessions;

/// <summary>A browser's page without the browser: keeps the view as the patches say, and what was said to it.</summary>
internal sealed class TestPage : IPageSink, IAsyncDisposable
{
    private readonly Channel<ServerMessage> _messages = Channel.CreateUnbounded<ServerMessage>();
    private readonly Page _page;
    private readonly string _client;

    public TestPage(TestServer server, string client = "client-0001")
    {
        _client = client;
        _page = server.Server.Pages.Connect(this);
    }

    /// <summary>The queue is full: what is sent is dropped.</summary>
    public bool Full { get; set; }

    /// <summary>How often the queue was emptied for a message.</summary>
    public int Restarts { get; private set; }

    public JsonNode? View { get; private set; }

    public long Epoch { get; private set; }

    public long Version { get; private set; }

    /// <summary>Who is here, as the page has heard.</summary>
    public Dictionary<string, PresenceView> Clients { get; } = [];

    public bool Send(ReadOnlyMemory<byte> message)
    {
        if (Full)
            return false;
        _messages.Writer.TryWrite(JsonSerializer.Deserialize(message.Span, WireJson.Default.ServerMessage)!);
        return true;
    }

    public void Restart(ReadOnlyMemory<byte> message)
    {
        Restarts++;
        while (_messages.Reader.TryRead(out _)) { }
        _messages.Writer.TryWrite(JsonSerializer.Deserialize(message.Span, WireJson.Default.ServerMessage)!);
    }

    public void SendAway() => WasSentAway = true;

    /// <summary>The connection was ended because the node is about to stop.</summary>
    public bool WasSentAway { get; private set; }

    /// <summary>Asks to join and waits for the answer.</summary>
    /// <param name="known">Whether to name the epoch and version that the page has.</param>
    public async Task<ServerMessage.Joined> JoinAsync(string session, bool known = false, string user = "Ada")
    {
        _page.Handle(new ClientMessage.JoinSession(session, _client, user, "1", known ? Epoch : null, known ? Version : null));
        return await NextAsync<ServerMessage.Joined>();
    }

    public void Join(string session) => _page.Handle(new ClientMessage.JoinSession(session, _client, "Ada", "1"));

    public void Submit(long number, ClientOperation operation) => _page.Handle(new ClientMessage.Submit(number, operation));

    public void Handle(ClientMessage message) => _page.Handle(message);

    /// <summary>Submits and waits for the answer, of which the stream has shown everything.</summary>
    public async Task<ServerMessage> AskAsync(long number, ClientOperation operation)
    {
        Submit(number, operation);
        while (true)
        {
            switch (await NextAsync<ServerMessage>())
            {
                case ServerMessage.Accepted(var answered, _) accepted when answered == number:
                    return accepted;
                case ServerMessage.Refused(var answered, _) refused when answered == number:
                    return refused;
            }
        }
    }

    /// <summary>The next message of a kind; entries and presence on the way are applied.</summary>
    public async Task<T> NextAsync<T>()
        where T : ServerMessage
    {
        while (true)
        {
            var message = await _messages.Reader.ReadAsync(TestServer.Stop).AsTask().WaitAsync(TimeSpan.FromSeconds(30), TestServer.Stop);
            Take(message);
            if (message is T wanted)
                return wanted;
        }
    }

    private void Take(ServerMessage message)
    {
        switch (message)
        {
            case ServerMessage.Joined joined:
                (Epoch, Version) = (joined.Epoch, joined.Version);
                if (joined.View is not null)
                    View = JsonSerializer.SerializeToNode(joined.View, WireJson.Default.SessionView);
                foreach (var (client, presence) in joined.Clients)
                    Clients[client] = presence;
                break;
            case ServerMessage.Entries entries:
                Assert.Equal((Epoch, Version), (entries.Epoch, entries.From));
                Version = entries.To;
                foreach (var patch in entries.Items.OfType<StreamEntry.Patched>())
                    View = PatchApplier.Apply(
                        View,
                        JsonNode.Parse(JsonSerializer.Serialize<StreamEntry>(patch, WireJson.Default.StreamEntry))!["ops"]!.AsArray()
                    );
                break;
            case ServerMessage.Presence presence:
                foreach (var (client, place) in presence.Clients)
                {
                    if (place is null)
                        Clients.Remove(client);
                    else
                        Clients[client] = place;
                }
                break;
        }
    }

    public string[] Cells =>
        [
            .. View!["sectionOrder"]!
                .AsArray()
                .SelectMany(section => View["sections"]![section!.GetValue<string>()]!["cells"]!.AsArray())
                .Select(cell => cell!.GetValue<string>()),
        ];

    public ValueTask DisposeAsync() => _page.DisposeAsync();
}
