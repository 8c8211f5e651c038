using System.Net;
using System.Text.Json;

namespace Livebook.EndToEnd.World;

/// <summary>One Livebook server, started as its own process.</summary>
internal sealed class Node : IAsyncDisposable
{
    public const string ApiKey = "end-to-end-test-key-0123456789";

    private readonly Dictionary<string, string> _environment;
    private Child? _process;

    private readonly IReadOnlyList<string> _command;

    private Node(Dictionary<string, string> environment, string dataPath, IReadOnlyList<string> command)
    {
        _command = command;
        _environment = environment;
        DataPath = dataPath;
        Api = new HttpClient { Timeout = TimeSpan.FromSeconds(60) };
        Api.DefaultRequestHeaders.Authorization = new("Bearer", ApiKey);
    }

    public string DataPath { get; }

    public Child Process => _process ?? throw new InvalidOperationException("the node is not started");

    /// <summary>Address of its web pages, with a slash at the end.</summary>
    public Uri Address { get; private set; } = new("http://127.0.0.1/");

    /// <summary>Address that signs in.</summary>
    public string SignInAddress { get; private set; } = "";

    /// <summary>Its full name in a cluster.</summary>
    public string Name => _environment.GetValueOrDefault("LIVEBOOK_NODE", "livebook@127.0.0.1");

    /// <summary>Talks to this node's API.</summary>
    public HttpClient Api { get; private set; }

    public static string NewDataPath() => Directory.CreateTempSubdirectory("livebook-e2e-").FullName;

    /// <summary>Starts a node; completes when it serves pages.</summary>
    /// <param name="command">What starts the server, without its arguments.</param>
    public static async Task<Node> StartAsync(
        IReadOnlyDictionary<string, string> environment,
        CancellationToken stop,
        string? dataPath = null,
        IReadOnlyList<string>? command = null
    )
    {
        var data = dataPath ?? NewDataPath();
        var all = new Dictionary<string, string>(environment, StringComparer.Ordinal) { ["LIVEBOOK_DATA_PATH"] = data, ["LIVEBOOK_API_KEY"] = ApiKey };
        all.TryAdd("LIVEBOOK_PORT", "0");
        var node = new Node(all, data, command ?? ["dotnet", Repository.Server]);
        await node.StartAsync(stop);
        return node;
    }

    /// <summary>Starts it, again if need be, on the same data path.</summary>
    public async Task StartAsync(CancellationToken stop)
    {
        // Where the tests were started in the background of a script, SIGINT is ignored, and children inherit that.
        _process = Child.Start("env", ["--default-signal=INT", .. _command, "server"], _environment);
        var line = await _process.SaysAsync("Application running at", stop);
        SignInAddress = line[(line.IndexOf("http", StringComparison.Ordinal))..].Trim();
        var address = new Uri(SignInAddress);
        Address = new Uri($"{address.Scheme}://{address.Authority}{address.AbsolutePath}");
        Api.Dispose();
        Api = new HttpClient { BaseAddress = new Uri(Address, "api/v1/"), Timeout = TimeSpan.FromSeconds(60) };
        Api.DefaultRequestHeaders.Authorization = new("Bearer", ApiKey);
        // A later start takes the same port, so that pages find it again.
        _environment["LIVEBOOK_PORT"] = address.Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    public async Task UntilReadyAsync(CancellationToken stop)
    {
        using var http = new HttpClient();
        await Wait.UntilAsync(
            async () =>
            {
                using var response = await http.GetAsync(new Uri(Address, "ready"), stop);
                return response.StatusCode == HttpStatusCode.OK;
            },
            $"{Address} is ready",
            stop
        );
    }

    /// <summary>SIGKILL: the server cannot clean anything up. Its runtimes live on for a while.</summary>
    public Task KillAsync() => Process.KillAsync();

    /// <summary>SIGTERM: the server saves, leaves and ends.</summary>
    public Task TerminateAsync(CancellationToken stop) => Process.TerminateAsync(stop);

    /// <summary>SIGINT, as Ctrl-C sends it.</summary>
    public Task InterruptAsync(CancellationToken stop) => Process.InterruptAsync(stop);

    public async Task<JsonElement> GetAsync(string path, CancellationToken stop)
    {
        using var response = await Api.GetAsync(path, stop);
        var text = await response.Content.ReadAsStringAsync(stop);
        Assert.True(response.IsSuccessStatusCode, $"GET {path}: {(int)response.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    public async Task<JsonElement> SendAsync(HttpMethod method, string path, object? body, CancellationToken stop, string? key = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = new StringContent(JsonSerializer.Serialize(body), System.Text.Encoding.UTF8, "application/json");
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        using var response = await Api.SendAsync(request, stop);
        var text = await response.Content.ReadAsStringAsync(stop);
        Assert.True(response.IsSuccessStatusCode, $"{method} {path}: {(int)response.StatusCode} {text}");
        return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
    }

    public Task<JsonElement> PostAsync(string path, object? body, CancellationToken stop, string? key = null) =>
        SendAsync(HttpMethod.Post, path, body ?? new { }, stop, key);

    /// <summary>Ends the runtimes that outlived a killed server, by what it noted of them.</summary>
    private void EndRuntimes()
    {
        var records = Path.Combine(DataPath, "runtimes");
        if (!Directory.Exists(records))
            return;
        foreach (var file in Directory.EnumerateFiles(records, "*.json"))
        {
            using var record = JsonDocument.Parse(File.ReadAllBytes(file));
            Child.KillGroup(record.RootElement.GetProperty("Pid").GetInt32());
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        EndRuntimes();
        Api.Dispose();
        try
        {
            Directory.Delete(DataPath, recursive: true);
        }
        catch (IOException)
        {
            // A runtime may still be ending there.
        }
    }
}
