using System.Text.Json;

namespace Livebook.EndToEnd.World;

/// <summary>Follows a session's server-sent events as a program does: when the connection breaks it comes back, to any node, with the last id.</summary>
internal sealed class EventReader(HttpClient api, string session)
{
    private readonly List<(string Name, JsonElement Data)> _events = [];
    private string? _lastId;

    /// <summary>Everything that came.</summary>
    public IReadOnlyList<(string Name, JsonElement Data)> Events
    {
        get
        {
            lock (_events)
                return [.. _events];
        }
    }

    /// <summary>Nodes that a connection was made to.</summary>
    public int Connections { get; private set; }

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await ReadAsync(stop);
            }
            catch (Exception error) when (error is HttpRequestException or IOException) { }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            await Task.Delay(50, CancellationToken.None);
        }
    }

    private async Task ReadAsync(CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"sessions/{session}/events");
        if (_lastId is not null)
            request.Headers.TryAddWithoutValidation("Last-Event-ID", _lastId);
        using var response = await api.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
        response.EnsureSuccessStatusCode();
        Connections++;
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(stop));
        var (name, data, id) = ("", "", (string?)null);
        while (await reader.ReadLineAsync(stop) is { } line)
        {
            if (line.StartsWith("event: ", StringComparison.Ordinal))
                name = line["event: ".Length..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
                data = line["data: ".Length..];
            else if (line.StartsWith("id: ", StringComparison.Ordinal))
                id = line["id: ".Length..];
            else if (line.Length == 0 && name.Length > 0)
            {
                lock (_events)
                    _events.Add((name, JsonDocument.Parse(data).RootElement));
                _lastId = id ?? _lastId;
                (name, id) = ("", null);
            }
        }
    }
}
