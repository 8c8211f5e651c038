using System.Net;
using System.Text.Json;

namespace Livebook.Web.Configuration.Platforms;

/// <summary>What the metadata endpoint of ECS tells about this container and its task. Every field may be missing.</summary>
internal sealed record EcsMetadata(JsonElement Container, JsonElement Task)
{
    private const string V4 = "ECS_CONTAINER_METADATA_URI_V4";
    private const string V3 = "ECS_CONTAINER_METADATA_URI";
    private const int MaximumBytes = 4 * 1024 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(250);

    public string? ImageId => Text(Container, "ImageID");

    public string? NetworkMode => Network is { } network ? Text(network, "NetworkMode") : null;

    public string? Cluster => Text(Task, "Cluster") ?? Label("cluster");

    public string? Service => Text(Task, "ServiceName");

    public string? Family => Text(Task, "Family") ?? Label("task-definition-family");

    /// <summary>The region in the task's ARN: <c>arn:aws:ecs:REGION:…</c>.</summary>
    public string? Region => (Text(Task, "TaskARN") ?? Label("task-arn"))?.Split(':') is [_, _, _, { Length: > 0 } region, ..] ? region : null;

    private JsonElement? Network => Items(Container, "Networks").Select(item => (JsonElement?)item).FirstOrDefault();

    /// <summary>Where to ask, the newest version first; null when this is not ECS.</summary>
    /// <exception cref="ConfigurationException">It is no address.</exception>
    public static IReadOnlyList<Uri>? PlaceOf(EnvironmentReader env)
    {
        var places = new[] { V4, V3 }
            .Where(name => env.Text(name) is not null)
            .Select(name =>
                Uri.TryCreate(env.Text(name)!.TrimEnd('/'), UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttp
                    ? uri
                    : throw new ConfigurationException(name, "the http address that ECS gives", env.Text(name))
            )
            .ToList();
        return places.Count == 0 ? null : places;
    }

    /// <summary>Asks until there is an answer.</summary>
    /// <exception cref="ConfigurationException">There was none within <paramref name="budget"/>.</exception>
    public static async Task<EcsMetadata> FetchAsync(IReadOnlyList<Uri> places, TimeSpan budget, CancellationToken stop)
    {
        using var http = new HttpClient(
            new SocketsHttpHandler
            {
                UseProxy = false,
                UseCookies = false,
                AllowAutoRedirect = false,
            }
        )
        {
            MaxResponseContentBufferSize = MaximumBytes,
        };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(budget);
        var why = "no answer";
        try
        {
            while (true)
            {
                foreach (var place in places)
                {
                    try
                    {
                        var container = await GetAsync(http, place, limit.Token);
                        return new EcsMetadata(container, await GetAsync(http, new Uri($"{place}/task"), limit.Token));
                    }
                    catch (Exception error) when (error is HttpRequestException or JsonException)
                    {
                        why = error.Message;
                    }
                    catch (OperationCanceledException) when (!limit.IsCancellationRequested)
                    {
                        why = "no answer";
                    }
                }
                await System.Threading.Tasks.Task.Delay(Again, limit.Token);
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new ConfigurationException(
                "LIVEBOOK_CLUSTER",
                $"dns:QUERY, with LIVEBOOK_NODE, while the metadata endpoint {places[0].Authority} of ECS does not answer ({why})",
                "auto"
            );
        }
    }

    /// <summary>The addresses of this container, both families, as the endpoint orders them.</summary>
    public IEnumerable<IPAddress> Addresses() =>
        Network is { } network
            ? Items(network, "IPv4Addresses")
                .Concat(Items(network, "IPv6Addresses"))
                .Select(item => item.ValueKind == JsonValueKind.String && IPAddress.TryParse(item.GetString(), out var address) ? address : null)
                .OfType<IPAddress>()
            : [];

    private static async Task<JsonElement> GetAsync(HttpClient http, Uri place, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(Patience);
        using var response = await http.GetAsync(place, limit.Token);
        response.EnsureSuccessStatusCode();
        return JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsByteArrayAsync(limit.Token));
    }

    private string? Label(string name) =>
        Container.ValueKind == JsonValueKind.Object && Container.TryGetProperty("Labels", out var labels) ? Text(labels, $"com.amazonaws.ecs.{name}") : null;

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object
        && element.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String
        && value.GetString() is { Length: > 0 } text
            ? text
            : null;

    private static IEnumerable<JsonElement> Items(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var items) && items.ValueKind == JsonValueKind.Array
            ? items.EnumerateArray()
            : [];
}
