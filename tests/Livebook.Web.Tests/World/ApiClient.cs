using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Livebook.Web.Tests.World;

/// <summary>A program that uses the API. Every answer is compared with what the OpenAPI document says of it.</summary>
internal sealed class ApiClient : IDisposable
{
    private readonly HttpClient _http;

    public ApiClient(Uri address, string key)
    {
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = new Uri(address, "/api/v1/") };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public Task<ApiAnswer> GetAsync(int status, string path, params (string Name, string Value)[] headers) =>
        SendAsync(status, HttpMethod.Get, path, null, headers);

    public Task<ApiAnswer> PostAsync(int status, string path, object? body = null, string? key = null) =>
        SendAsync(status, HttpMethod.Post, path, body, key is null ? [] : [("Idempotency-Key", key)]);

    public Task<ApiAnswer> PatchAsync(int status, string path, object body, string? key = null) =>
        SendAsync(status, HttpMethod.Patch, path, body, key is null ? [] : [("Idempotency-Key", key)]);

    public Task<ApiAnswer> DeleteAsync(int status, string path) => SendAsync(status, HttpMethod.Delete, path, null, []);

    /// <summary>Sends and expects a status. A body that is text goes as it is, anything else as JSON.</summary>
    public async Task<ApiAnswer> SendAsync(int status, HttpMethod method, string path, object? body, (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = new StringContent(body as string ?? JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using var response = await _http.SendAsync(request, Stop);
        var text = await response.Content.ReadAsStringAsync(Stop);
        Assert.True((int)response.StatusCode == status, $"{method} {path}: expected {status}, got {(int)response.StatusCode} {text}");
        var type = response.Content.Headers.ContentType?.MediaType;
        var json = type is "application/json" or "application/problem+json" ? JsonDocument.Parse(text).RootElement : default;
        var document = await OpenApi.ReadAsync(_http, Stop);
        document.Check(method.Method, "/api/v1/" + path.Split('?')[0], status, type, json);
        return new ApiAnswer(json, text, type, response.Headers);
    }

    /// <summary>Makes a session and answers its id.</summary>
    public async Task<string> NewSessionAsync(string source)
    {
        var made = await PostAsync(201, "sessions", new { source, format = "livemd" });
        return made.Json.GetProperty("id").GetString()!;
    }

    /// <summary>Ids of the cells of the first section below the setup section.</summary>
    public async Task<string[]> CellsAsync(string session)
    {
        var notebook = await GetAsync(200, $"sessions/{session}/notebook");
        return [.. notebook.Json.GetProperty("sections")[1].GetProperty("cells").EnumerateArray().Select(cell => cell.GetProperty("id").GetString()!)];
    }

    public async Task<string> SourceAsync(string session, string cell) =>
        (await GetAsync(200, $"sessions/{session}/cells/{cell}")).Json.GetProperty("source").GetString()!;

    /// <summary>Asks until something holds.</summary>
    public async Task UntilAsync(string path, Func<JsonElement, bool> holds)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (!holds((await GetAsync(200, path)).Json))
            await Task.Delay(20, limit.Token);
    }

    public void Dispose() => _http.Dispose();
}

internal sealed record ApiAnswer(JsonElement Json, string Text, string? ContentType, HttpResponseHeaders Headers)
{
    /// <summary>Kind of the problem, without the prefix that all of them have.</summary>
    public string Problem => Json.GetProperty("type").GetString()!.Replace("urn:livebook:", "", StringComparison.Ordinal);

    public string Detail => Json.GetProperty("detail").GetString()!;

    /// <summary>Fields that the problem finds wrong.</summary>
    public string[] Fields => [.. Json.GetProperty("errors").EnumerateObject().Select(entry => entry.Name)];
}
