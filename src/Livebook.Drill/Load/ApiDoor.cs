using System.Text.Json;
using Livebook.Drill.Nodes;

namespace Livebook.Drill.Load;

/// <summary>A script's way to a session: asks with one key again and again until the answer is that it is done.</summary>
internal sealed class ApiDoor : IDisposable
{
    private static readonly TimeSpan AskPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(200);

    private readonly HttpClient _http;

    public ApiDoor(Uri address, string session)
    {
        _http = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero })
        {
            BaseAddress = new Uri(address, $"api/v1/sessions/{session}/"),
            Timeout = AskPatience,
        };
        _http.DefaultRequestHeaders.Authorization = new("Bearer", Node.ApiKey);
    }

    /// <exception cref="InvalidOperationException">It was refused for good.</exception>
    public async Task SendAsync(HttpMethod method, string path, object body, string key, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                using var request = new HttpRequestMessage(method, path);
                request.Content = new StringContent(JsonSerializer.Serialize(body), System.Text.Encoding.UTF8, "application/json");
                request.Headers.Add("Idempotency-Key", key);
                using var response = await _http.SendAsync(request, stop);
                if (response.IsSuccessStatusCode)
                    return;
                if ((int)response.StatusCode < 500)
                    throw new InvalidOperationException($"{method} {path}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync(stop)}");
            }
            catch (Exception error) when (!stop.IsCancellationRequested && Wait.IsPassing(error))
            {
                // Nobody knows whether it happened: that is what the key is for.
            }
            await Task.Delay(Again, stop);
        }
    }

    public void Dispose() => _http.Dispose();
}
