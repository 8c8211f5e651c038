using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Livebook.Testing;

/// <summary>
/// AWS ECS as one task sees it: the metadata endpoint (v3 and v4), the endpoint of credentials and the API, field by field as documented.
/// Tests change the documents, or how many answers fail first.
/// </summary>
public sealed class FakeEcs : IAsyncDisposable
{
    public const string Image = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    public const string Authorization = "the-authorization-of-the-task";
    public const string ClusterArn = "arn:aws:ecs:eu-west-7:111122223333:cluster/books";

    /// <summary>ListTasks gives this many at once.</summary>
    public const int PageSize = 100;

    private readonly HttpListener _listener = new();
    private readonly Task _serving;
    private int _failures;

    public FakeEcs(string address = "127.0.81.1")
    {
        while (true)
        {
            var place = $"http://{address}:{Random.Shared.Next(20_000, 30_000)}/";
            _listener.Prefixes.Clear();
            _listener.Prefixes.Add(place);
            try
            {
                _listener.Start();
                Place = new Uri(place);
                break;
            }
            catch (HttpListenerException)
            {
                // Another one's port.
            }
        }
        Container = NewContainer();
        Task = NewTask();
        _serving = ServeAsync();
    }

    public Uri Place { get; }

    /// <summary>The container's document of v4.</summary>
    public JsonObject Container { get; }

    public JsonObject Task { get; }

    /// <summary>False: only v3 answers.</summary>
    public bool HasV4 { get; set; } = true;

    /// <summary>What the API answers instead: a status and an error type of AWS.</summary>
    public (int Status, string Type)? Refusal { get; set; }

    /// <summary>Running tasks of the service, as DescribeTasks tells them.</summary>
    public ConcurrentQueue<JsonObject> Tasks { get; } = new();

    /// <summary>Paths and actions that were asked for, in order.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    /// <summary>The next answers fail with 500, or with 429 every other time.</summary>
    public void FailNext(int answers) => _failures = answers;

    /// <summary>What ECS gives to a container of the task.</summary>
    public (string Name, string Value)[] Variables() =>
        [
            ("ECS_CONTAINER_METADATA_URI", $"{Place}v3/1234"),
            .. HasV4 ? new[] { ("ECS_CONTAINER_METADATA_URI_V4", $"{Place}v4/1234") } : [],
            ("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE"),
            ("AWS_REGION", "eu-west-7"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", $"{Place}credentials"),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", Authorization),
            ("AWS_ENDPOINT_URL_ECS", Place.ToString()),
        ];

    public static JsonObject RunningTask(string ipv4, string? ipv6 = null, string lastStatus = "RUNNING") =>
        new()
        {
            ["attachments"] = new JsonArray(
                new JsonObject
                {
                    ["id"] = Guid.NewGuid().ToString(),
                    ["type"] = "ElasticNetworkInterface",
                    ["status"] = "ATTACHED",
                    ["details"] = new JsonArray(
                        new JsonObject { ["name"] = "subnetId", ["value"] = "subnet-0d0eab1bb3EXAMPLE" },
                        new JsonObject { ["name"] = "networkInterfaceId", ["value"] = "eni-0fa40520aeEXAMPLE" },
                        new JsonObject { ["name"] = "privateIPv4Address", ["value"] = ipv4 }
                    ),
                }
            ),
            ["clusterArn"] = ClusterArn,
            ["taskArn"] = $"arn:aws:ecs:eu-west-7:111122223333:task/books/{Guid.NewGuid():N}",
            ["lastStatus"] = lastStatus,
            ["desiredStatus"] = "RUNNING",
            ["launchType"] = "FARGATE",
            ["containers"] = new JsonArray(
                new JsonObject
                {
                    ["name"] = "log-router",
                    ["lastStatus"] = lastStatus,
                    ["networkInterfaces"] = new JsonArray(),
                },
                new JsonObject
                {
                    ["name"] = "livebook",
                    ["lastStatus"] = lastStatus,
                    ["networkInterfaces"] = new JsonArray(
                        ipv6 is null
                            ? new JsonObject { ["attachmentId"] = "a", ["privateIpv4Address"] = ipv4 }
                            : new JsonObject
                            {
                                ["attachmentId"] = "a",
                                ["privateIpv4Address"] = ipv4,
                                ["ipv6Address"] = ipv6,
                            }
                    ),
                }
            ),
        };

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _serving;
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            try
            {
                var context = await _listener.GetContextAsync();
                await AnswerAsync(context);
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException or InvalidOperationException or IOException)
            {
                // Closed, or whoever asked is gone.
            }
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        var path = context.Request.Url!.AbsolutePath;
        var action = context.Request.Headers["X-Amz-Target"]?.Split('.')[^1];
        Asked.Enqueue(action ?? path);
        using var reader = new StreamReader(context.Request.InputStream);
        var body = await reader.ReadToEndAsync();
        var (status, answer) =
            Interlocked.Decrement(ref _failures) >= 0 ? (_failures % 2 == 0 ? 500 : 429, new JsonObject { ["__type"] = "ThrottlingException" })
            : action is not null ? Api(context.Request, action, JsonNode.Parse(body)!.AsObject())
            : Document(context.Request, path);
        var bytes = Encoding.UTF8.GetBytes(answer.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.OutputStream.WriteAsync(bytes);
        context.Response.Close();
    }

    private (int, JsonObject) Document(HttpListenerRequest request, string path) =>
        path switch
        {
            "/v4/1234" when HasV4 => (200, Container),
            "/v4/1234/task" when HasV4 => (200, Task),
            "/v3/1234" => (200, OfV3(Container)),
            "/v3/1234/task" => (200, Task),
            "/credentials" when request.Headers["Authorization"] == Authorization => (
                200,
                new JsonObject
                {
                    ["RoleArn"] = "arn:aws:iam::111122223333:role/books",
                    ["AccessKeyId"] = "AKIDEXAMPLE",
                    ["SecretAccessKey"] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                    ["Token"] = "a-session-token",
                    ["Expiration"] = DateTimeOffset.UtcNow.AddHours(6).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
                }
            ),
            "/credentials" => (403, []),
            _ => (404, []),
        };

    private (int, JsonObject) Api(HttpListenerRequest request, string action, JsonObject asked)
    {
        var signed = request.Headers["Authorization"] ?? "";
        if (
            !signed.StartsWith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/", StringComparison.Ordinal)
            || !signed.Contains("/eu-west-7/ecs/aws4_request, ", StringComparison.Ordinal)
            || !signed.Contains("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, ", StringComparison.Ordinal)
            || request.Headers["X-Amz-Security-Token"] != "a-session-token"
            || request.ContentType != "application/x-amz-json-1.1"
        )
            return (403, new JsonObject { ["__type"] = "MissingAuthenticationTokenException" });
        if (Refusal is { } refusal)
            return (refusal.Status, new JsonObject { ["__type"] = $"com.amazonaws.ecs#{refusal.Type}", ["message"] = "no" });
        var tasks = Tasks.ToArray();
        if (action == "ListTasks")
        {
            if ((string?)asked["cluster"] != ClusterArn || (string?)asked["serviceName"] != "books-service")
                return (400, new JsonObject { ["__type"] = "ServiceNotFoundException" });
            var from = asked["nextToken"] is { } token ? int.Parse((string)token!) : 0;
            var page = new JsonObject { ["taskArns"] = new JsonArray([.. tasks.Skip(from).Take(PageSize).Select(task => task["taskArn"]!.DeepClone())]) };
            if (from + PageSize < tasks.Length)
                page["nextToken"] = $"{from + PageSize}";
            return (200, page);
        }
        var wanted = asked["tasks"]!.AsArray().Select(arn => (string?)arn).ToHashSet();
        return wanted.Count > 100
            ? (400, new JsonObject { ["__type"] = "InvalidParameterException" })
            : (
                200,
                new JsonObject
                {
                    ["failures"] = new JsonArray(),
                    ["tasks"] = new JsonArray([.. tasks.Where(task => wanted.Contains((string?)task["taskArn"])).Select(task => task.DeepClone())]),
                }
            );
    }

    /// <summary>v3 tells no IPv6 addresses and little of the network.</summary>
    private static JsonObject OfV3(JsonObject container)
    {
        var copy = container.DeepClone().AsObject();
        foreach (var added in new[] { "ContainerARN", "LogDriver", "LogOptions", "Snapshotter" })
            copy.Remove(added);
        foreach (var network in copy["Networks"]?.AsArray().OfType<JsonObject>() ?? [])
        {
            foreach (var name in network.Select(field => field.Key).Except(["NetworkMode", "IPv4Addresses"]).ToArray())
                network.Remove(name);
        }
        return copy;
    }

    private static JsonObject NewContainer() =>
        new()
        {
            ["DockerId"] = "cd189a933e5849daa93386466019ab50-2495160603",
            ["Name"] = "livebook",
            ["DockerName"] = "livebook",
            ["Image"] = "111122223333.dkr.ecr.eu-west-7.amazonaws.com/livebook:latest",
            ["ImageID"] = Image,
            ["Labels"] = new JsonObject
            {
                ["com.amazonaws.ecs.cluster"] = ClusterArn,
                ["com.amazonaws.ecs.container-name"] = "livebook",
                ["com.amazonaws.ecs.task-arn"] = "arn:aws:ecs:eu-west-7:111122223333:task/books/cd189a933e5849daa93386466019ab50",
                ["com.amazonaws.ecs.task-definition-family"] = "books",
                ["com.amazonaws.ecs.task-definition-version"] = "1",
            },
            ["DesiredStatus"] = "RUNNING",
            ["KnownStatus"] = "RUNNING",
            ["Limits"] = new JsonObject { ["CPU"] = 2 },
            ["CreatedAt"] = "2026-10-08T20:09:11.44527186Z",
            ["StartedAt"] = "2026-10-08T20:09:11.44527186Z",
            ["Type"] = "NORMAL",
            ["LogDriver"] = "awslogs",
            ["LogOptions"] = new JsonObject { ["awslogs-group"] = "/ecs/books" },
            ["ContainerARN"] = "arn:aws:ecs:eu-west-7:111122223333:container/05966557-f16c-49cb-9352-24b3a0dcd0e1",
            ["Networks"] = new JsonArray(
                new JsonObject
                {
                    ["NetworkMode"] = "awsvpc",
                    ["IPv4Addresses"] = new JsonArray("10.0.0.61"),
                    ["AttachmentIndex"] = 0,
                    ["MACAddress"] = "0a:10:e8:f6:61:09",
                    ["IPv4SubnetCIDRBlock"] = "10.0.0.0/24",
                    ["DomainNameServers"] = new JsonArray("10.0.0.2"),
                    ["PrivateDNSName"] = "ip-10-0-0-61.eu-west-7.compute.internal",
                    ["SubnetGatewayIpv4Address"] = "10.0.0.1/24",
                }
            ),
            ["Snapshotter"] = "overlayfs",
        };

    private static JsonObject NewTask() =>
        new()
        {
            ["Cluster"] = ClusterArn,
            ["TaskARN"] = "arn:aws:ecs:eu-west-7:111122223333:task/books/cd189a933e5849daa93386466019ab50",
            ["Family"] = "books",
            ["Revision"] = "1",
            ["ServiceName"] = "books-service",
            ["DesiredStatus"] = "RUNNING",
            ["KnownStatus"] = "RUNNING",
            ["Limits"] = new JsonObject { ["CPU"] = 0.25, ["Memory"] = 512 },
            ["PullStartedAt"] = "2026-10-08T20:08:59.4Z",
            ["PullStoppedAt"] = "2026-10-08T20:09:08.2Z",
            ["AvailabilityZone"] = "eu-west-7b",
            ["LaunchType"] = "FARGATE",
            ["Containers"] = new JsonArray(),
        };
}
