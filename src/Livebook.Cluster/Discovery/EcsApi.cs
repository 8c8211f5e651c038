using System.Collections.Immutable;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Livebook.Cluster.Discovery;

/// <summary>The two calls to AWS that name the tasks of a service, with the credentials of this task's role.</summary>
internal sealed class EcsApi(EcsSource source, TimeProvider time) : IDisposable
{
    /// <summary>DescribeTasks takes no more at once.</summary>
    private const int TasksPerCall = 100;

    /// <summary>A service of ECS has 5,000 tasks at most; a server that goes on giving pages is not believed.</summary>
    private const int MaximumPages = 50;

    private const int MaximumAnswerBytes = 8 * 1024 * 1024;
    private const string Target = "AmazonEC2ContainerServiceV20141113";

    /// <summary>Credentials are asked for again this long before they end.</summary>
    private static readonly TimeSpan Early = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    // The place of credentials is link-local: no proxy leads there.
    private readonly HttpClient near = NewClient(proxy: false);
    private readonly HttpClient far = NewClient(proxy: true);
    private AwsCredentials? credentials;

    /// <summary>The addresses of every task that is not stopping, both families.</summary>
    /// <exception cref="EcsException">AWS did not answer, or refused.</exception>
    public async Task<ImmutableArray<IPAddress>> AddressesAsync(CancellationToken stop)
    {
        try
        {
            var tasks = await ListAsync(stop);
            var found = ImmutableHashSet.CreateBuilder<IPAddress>();
            foreach (var some in tasks.Chunk(TasksPerCall))
            {
                var answer = await CallAsync("DescribeTasks", new() { ["cluster"] = source.Cluster, ["tasks"] = Strings(some) }, stop);
                found.UnionWith(EcsTask.Items(answer, "tasks").SelectMany(EcsTask.AddressesOf));
            }
            return [.. found];
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or InvalidOperationException or FormatException)
        {
            throw new EcsException($"{source.Endpoint.Host}: {e.Message}");
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new EcsException($"{source.Endpoint.Host} does not answer");
        }
    }

    public void Dispose()
    {
        near.Dispose();
        far.Dispose();
    }

    private async Task<List<string>> ListAsync(CancellationToken stop)
    {
        var tasks = new List<string>();
        string? next = null;
        for (var page = 0; page < MaximumPages; page++)
        {
            var asked = new JsonObject { ["cluster"] = source.Cluster, ["desiredStatus"] = "RUNNING" };
            if (source.Service is not null)
            {
                asked["serviceName"] = source.Service;
            }
            else
            {
                asked["family"] = source.Family;
            }
            if (next is not null)
            {
                asked["nextToken"] = next;
            }
            var answer = await CallAsync("ListTasks", asked, stop);
            tasks.AddRange(EcsTask.Items(answer, "taskArns").Where(arn => arn.ValueKind == JsonValueKind.String).Select(arn => arn.GetString()!));
            next = EcsTask.Text(answer, "nextToken");
            if (string.IsNullOrEmpty(next))
            {
                break;
            }
        }
        return tasks;
    }

    private async Task<JsonElement> CallAsync(string action, JsonObject asked, CancellationToken stop)
    {
        var body = Encoding.UTF8.GetBytes(asked.ToJsonString());
        using var request = new HttpRequestMessage(HttpMethod.Post, source.Endpoint) { Content = new ByteArrayContent(body) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/x-amz-json-1.1");
        request.Headers.Add("X-Amz-Target", $"{Target}.{action}");
        AwsSignature.Sign(request, body, await CredentialsAsync(stop), source.Region, "ecs", time.GetUtcNow());
        using var response = await far.SendAsync(request, stop);
        var answer = await response.Content.ReadAsByteArrayAsync(stop);
        if (response.IsSuccessStatusCode)
        {
            return JsonSerializer.Deserialize<JsonElement>(answer);
        }
        var why = Explain(action, response.StatusCode, answer);
        if (response.StatusCode == HttpStatusCode.Forbidden || why.Contains("ExpiredToken", StringComparison.Ordinal))
        {
            // Perhaps they only ended early.
            credentials = null;
        }
        throw new EcsException(why);
    }

    private static string Explain(string action, HttpStatusCode status, byte[] answer)
    {
        var kind = "";
        try
        {
            var error = JsonSerializer.Deserialize<JsonElement>(answer);
            kind = EcsTask.Text(error, "__type") is { } type ? type[(type.LastIndexOf('#') + 1)..] : "";
        }
        catch (JsonException)
        {
            // A proxy's page; the status says enough.
        }
        var what = kind.Length > 0 && kind.All(char.IsAsciiLetterOrDigit) ? kind : $"status {(int)status}";
        return kind.Contains("AccessDenied", StringComparison.Ordinal)
            ? $"{action}: {what}; the task role needs ecs:ListTasks and ecs:DescribeTasks, or set LIVEBOOK_CLOUD_MAP_NAME"
            : $"{action}: {what}";
    }

    private async Task<AwsCredentials> CredentialsAsync(CancellationToken stop)
    {
        if (credentials is { } known && known.Expiration - Early > time.GetUtcNow())
        {
            return known;
        }
        using var request = new HttpRequestMessage(HttpMethod.Get, source.Credentials);
        if (await AuthorizationAsync(stop) is { } secret)
        {
            request.Headers.TryAddWithoutValidation("Authorization", secret);
        }
        using var response = await near.SendAsync(request, stop);
        if (!response.IsSuccessStatusCode)
        {
            throw new EcsException($"the task role gives no credentials (status {(int)response.StatusCode})");
        }
        var answer = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsByteArrayAsync(stop));
        if (EcsTask.Text(answer, "AccessKeyId") is not { } id || EcsTask.Text(answer, "SecretAccessKey") is not { } key)
        {
            throw new EcsException("the task role gives no credentials");
        }
        var ends = DateTimeOffset.TryParse(EcsTask.Text(answer, "Expiration"), out var expiration) ? expiration : time.GetUtcNow() + 2 * Early;
        return credentials = new(id, key, EcsTask.Text(answer, "Token"), ends);
    }

    private async Task<string?> AuthorizationAsync(CancellationToken stop)
    {
        if (source.AuthorizationFile is not { } file)
        {
            return source.Authorization;
        }
        try
        {
            return (await File.ReadAllTextAsync(file, stop)).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EcsException($"{file} (AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE) cannot be read: {e.Message}");
        }
    }

    private static JsonArray Strings(IEnumerable<string> values) => [.. values.Select(value => JsonValue.Create(value))];

    private static HttpClient NewClient(bool proxy) =>
        new(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseCookies = false,
                UseProxy = proxy,
            }
        )
        {
            Timeout = Patience,
            MaxResponseContentBufferSize = MaximumAnswerBytes,
        };
}

/// <summary>AWS did not name the tasks; the message is the reason, for a person.</summary>
internal sealed class EcsException(string reason) : Exception(reason);
