using System.Net.Http.Headers;
using System.Text.Json;

namespace Livebook.Web.Tests.World;

/// <summary>Reads a session's server-sent events as a program would.</summary>
internal sealed class EventReader : IDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly StreamReader _reader;

    private EventReader(HttpResponseMessage response, Stream stream)
    {
        _response = response;
        _reader = new StreamReader(stream);
    }

    /// <summary>The last id that came.</summary>
    public string? LastId { get; private set; }

    public static async Task<EventReader> OpenAsync(HttpClient http, string session, string? lastId, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/sessions/{session}/events");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestServer.ApiKey);
        if (lastId is not null)
            request.Headers.TryAddWithoutValidation("Last-Event-ID", lastId);
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
        Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode}");
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        return new EventReader(response, await response.Content.ReadAsStreamAsync(stop));
    }

    /// <summary>The next event; null at the end of the stream.</summary>
    public async Task<SessionEvent?> NextAsync(CancellationToken stop)
    {
        var (name, data) = ("", "");
        while (await _reader.ReadLineAsync(stop) is { } line)
        {
            if (line.StartsWith("event: ", StringComparison.Ordinal))
                name = line["event: ".Length..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
                data = line["data: ".Length..];
            else if (line.StartsWith("id: ", StringComparison.Ordinal))
                LastId = line["id: ".Length..];
            else if (line.Length == 0 && name.Length > 0)
                return new SessionEvent(name, JsonDocument.Parse(data).RootElement);
        }
        return null;
    }

    /// <summary>The next event of this name for which it holds.</summary>
    public async Task<JsonElement> UntilAsync(string name, Func<JsonElement, bool> holds, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (await NextAsync(limit.Token) is { } next)
        {
            if (next.Name == name && holds(next.Data))
                return next.Data;
        }
        throw new InvalidOperationException($"the stream ended before a {name} came");
    }

    public void Dispose()
    {
        _reader.Dispose();
        _response.Dispose();
    }
}

internal sealed record SessionEvent(string Name, JsonElement Data);
