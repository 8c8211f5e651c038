using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Livebook.EndToEnd.World;

namespace Livebook.Bench;

/// <summary>A server that is measured: one of our own, which ends with this, or one that runs already.</summary>
internal sealed class Server : IAsyncDisposable
{
    private readonly Child? _process;
    private readonly string? _data;
    private readonly HttpClient _http;

    private Server(Uri signIn, Child? process, string? data)
    {
        _process = process;
        _data = data;
        Address = new Uri(signIn.GetLeftPart(UriPartial.Path));
        var token = signIn.Query.TrimStart('?').Split('&').FirstOrDefault(part => part.StartsWith("token=", StringComparison.Ordinal))?["token=".Length..];
        _http = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false })
        {
            BaseAddress = Address,
            Timeout = TimeSpan.FromMinutes(2),
        };
        if (token is not null)
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Uri.UnescapeDataString(token));
        SignIn = signIn;
    }

    public Uri Address { get; }

    public Uri SignIn { get; }

    /// <summary>The cookie of a browser that has signed in.</summary>
    public string Cookie { get; private set; } = "";

    public ProcessFigures Figures => new(_process?.Pid ?? throw new InvalidOperationException("the server is not ours to look into"));

    /// <summary>Starts one on a free port with a data path of its own; completes when it serves pages.</summary>
    public static async Task<Server> StartAsync(ServerProgram program, CancellationToken stop, params (string Name, string Value)[] environment)
    {
        var data = Directory.CreateTempSubdirectory("livebook-bench-").FullName;
        var variables = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["LIVEBOOK_DATA_PATH"] = data,
            ["LIVEBOOK_PORT"] = "0",
            ["DOTNET_ROOT"] = ServerProgram.DotnetRoot,
        };
        foreach (var (name, value) in environment)
            variables[name] = value;
        var process = Child.Start(ServerProgram.Dotnet, [program.Path, "server"], variables);
        try
        {
            const string Words = "Application running at ";
            var line = await process.SaysAsync(Words, stop);
            var server = new Server(new Uri(line[(line.IndexOf(Words, StringComparison.Ordinal) + Words.Length)..].Trim()), process, data);
            await server.SignInAsync(stop);
            return server;
        }
        catch
        {
            await process.DisposeAsync();
            Directory.Delete(data, recursive: true);
            throw;
        }
    }

    /// <param name="address">Address of a running server, with its token.</param>
    public static async Task<Server> AtAsync(Uri address, CancellationToken stop)
    {
        var server = new Server(address, null, null);
        await server.SignInAsync(stop);
        return server;
    }

    private async Task SignInAsync(CancellationToken stop)
    {
        using var response = await _http.GetAsync(SignIn, stop);
        Cookie = response.Headers.TryGetValues("Set-Cookie", out var cookies) ? string.Join("; ", cookies.Select(cookie => cookie.Split(';')[0])) : "";
        if (Cookie.Length == 0 && response.StatusCode != HttpStatusCode.OK)
            throw new InvalidOperationException($"{Address} does not let us in: {(int)response.StatusCode}");
    }

    /// <summary>Opens a session on a notebook and gives its id.</summary>
    public async Task<string> OpenAsync(string source, CancellationToken stop)
    {
        using var content = new StringContent(new JsonObject { ["source"] = source }.ToJsonString(), Encoding.UTF8, "application/json");
        using var response = await _http.PostAsync(new Uri("api/v1/sessions", UriKind.Relative), content, stop);
        return (await ReadAsync(response, stop))["id"]!.GetValue<string>();
    }

    public async Task CloseAsync(string session, CancellationToken stop)
    {
        using var response = await _http.DeleteAsync(new Uri($"api/v1/sessions/{session}", UriKind.Relative), stop);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Full name of the node that owns a session.</summary>
    public async Task<string> OwnerAsync(string session, CancellationToken stop) =>
        (await GetAsync($"api/v1/sessions/{session}", stop))["node"]!.GetValue<string>();

    /// <summary>How many members the node sees.</summary>
    public async Task<int> MembersAsync(CancellationToken stop)
    {
        var cluster = await GetAsync("api/v1/cluster", stop);
        return cluster["status"]!.GetValue<string>() == "member" ? cluster["nodes"]!.AsArray().Count : 0;
    }

    public async Task<string> NameAsync(CancellationToken stop) => (await GetAsync("api/v1/cluster", stop))["self"]!.GetValue<string>();

    private async Task<JsonNode> GetAsync(string path, CancellationToken stop)
    {
        using var response = await _http.GetAsync(new Uri(path, UriKind.Relative), stop);
        return await ReadAsync(response, stop);
    }

    private static async Task<JsonNode> ReadAsync(HttpResponseMessage response, CancellationToken stop)
    {
        var text = await response.Content.ReadAsStringAsync(stop);
        if (!response.IsSuccessStatusCode)
            throw new InvalidOperationException($"{response.RequestMessage!.RequestUri}: {(int)response.StatusCode} {text}");
        return JsonNode.Parse(text)!;
    }

    public static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (_process is null)
            return;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            // It ends its runtimes.
            await _process.TerminateAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("the server did not end within 20 s and is killed");
        }
        await _process.DisposeAsync();
        Directory.Delete(_data!, recursive: true);
    }
}
