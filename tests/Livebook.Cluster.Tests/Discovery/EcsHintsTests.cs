using System.Net;
using Livebook.Cluster.Discovery;
using Livebook.Testing;

namespace Livebook.Cluster.Tests.Discovery;

/// <summary>The tasks of a service, asked from a fake of the API of AWS (row 30).</summary>
public sealed class EcsHintsTests : IAsyncDisposable
{
    private readonly FakeEcs ecs = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => ecs.DisposeAsync();

    [Fact]
    public async Task Every_page_of_a_large_service_is_read_a_hundred_tasks_at_once()
    {
        for (var i = 0; i < 230; i++)
        {
            ecs.Tasks.Enqueue(FakeEcs.RunningTask($"10.0.{i / 100}.{i % 100}"));
        }
        var hint = await AskAsync();
        Assert.Null(hint.Error);
        Assert.Equal(230, hint.Addresses.Length);
        Assert.Equal(["ListTasks", "ListTasks", "ListTasks", "DescribeTasks", "DescribeTasks", "DescribeTasks"], ecs.Asked.Where(asked => asked[0] != '/'));
        Assert.Equal(1, ecs.Asked.Count(asked => asked == "/credentials"));
    }

    [Fact]
    public async Task Tasks_that_stop_do_not_count_and_those_that_start_do()
    {
        ecs.Tasks.Enqueue(FakeEcs.RunningTask("10.0.0.1", lastStatus: "PENDING"));
        ecs.Tasks.Enqueue(FakeEcs.RunningTask("10.0.0.2", lastStatus: "DEPROVISIONING"));
        Assert.Equal([IPAddress.Parse("10.0.0.1")], (await AskAsync()).Addresses);
    }

    [Fact]
    public async Task The_own_family_counts_and_missing_fields_are_passed_over()
    {
        ecs.Tasks.Enqueue(FakeEcs.RunningTask("10.0.0.1", "2600:1f13::0001"));
        var bare = FakeEcs.RunningTask("10.0.0.2");
        bare.Remove("containers");
        ecs.Tasks.Enqueue(bare);
        var empty = FakeEcs.RunningTask("10.0.0.3");
        empty.Remove("attachments");
        empty["containers"] = null;
        ecs.Tasks.Enqueue(empty);
        Assert.Equal([IPAddress.Parse("2600:1f13::1")], (await AskAsync(ipv6: true)).Addresses);
        Assert.Equal(["10.0.0.1", "10.0.0.2"], (await AskAsync()).Addresses.Select(address => address.ToString()).Order());
    }

    [Fact]
    public async Task An_answer_counts_for_a_while_because_the_account_shares_the_limit()
    {
        ecs.Tasks.Enqueue(FakeEcs.RunningTask("10.0.0.1"));
        using var api = new EcsApi(Source(), TimeProvider.System);
        var hints = new EcsHints(api, false, new FrozenTime());
        await hints.AskAsync(Stop);
        var asked = ecs.Asked.Count;
        await hints.AskAsync(Stop);
        Assert.Equal(asked, ecs.Asked.Count);
    }

    [Theory]
    [InlineData(400, "ThrottlingException", "cannot find tasks, retrying: ListTasks: ThrottlingException")]
    [InlineData(503, "", "cannot find tasks, retrying: ListTasks: status 503")]
    [InlineData(
        400,
        "AccessDeniedException",
        "cannot find tasks, retrying: ListTasks: AccessDeniedException; the task role needs ecs:ListTasks and ecs:DescribeTasks, or set LIVEBOOK_CLOUD_MAP_NAME"
    )]
    public async Task A_refusal_says_why(int status, string type, string expected)
    {
        ecs.Refusal = (status, type);
        Assert.Equal(expected, (await AskAsync()).Error);
    }

    [Fact]
    public async Task Credentials_that_ended_early_are_asked_for_again()
    {
        ecs.Refusal = (400, "ExpiredTokenException");
        using var api = new EcsApi(Source(), TimeProvider.System);
        await Assert.ThrowsAsync<EcsException>(() => api.AddressesAsync(Stop));
        ecs.Refusal = null;
        await api.AddressesAsync(Stop);
        Assert.Equal(2, ecs.Asked.Count(asked => asked == "/credentials"));
    }

    [Fact]
    public async Task A_role_that_gives_nothing_and_a_closed_endpoint_are_failures_too()
    {
        Assert.Equal(
            "cannot find tasks, retrying: the task role gives no credentials (status 403)",
            (await AskAsync(Source() with { Authorization = "wrong" })).Error
        );
        Assert.StartsWith(
            "cannot find tasks, retrying: ",
            (await AskAsync(Source() with { Endpoint = new("http://127.0.81.1:1") })).Error,
            StringComparison.Ordinal
        );
        Assert.Equal("cannot find tasks, retrying: ECS names none with an IPv4 address", (await AskAsync()).Error);
    }

    [Fact]
    public async Task The_file_with_the_authorization_is_read_each_time()
    {
        var file = Path.GetTempFileName();
        try
        {
            var source = Source() with { Authorization = null, AuthorizationFile = file };
            await File.WriteAllTextAsync(file, "wrong\n", Stop);
            Assert.Contains("status 403", (await AskAsync(source)).Error, StringComparison.Ordinal);

            await File.WriteAllTextAsync(file, FakeEcs.Authorization + "\n", Stop);
            Assert.Contains("ECS names none", (await AskAsync(source)).Error, StringComparison.Ordinal);

            File.Delete(file);
            Assert.Contains("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", (await AskAsync(source)).Error, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private EcsSource Source() =>
        new()
        {
            Endpoint = ecs.Place,
            Region = "eu-west-7",
            Cluster = FakeEcs.ClusterArn,
            Service = "books-service",
            Credentials = new(ecs.Place, "credentials"),
            Authorization = FakeEcs.Authorization,
        };

    private async Task<Hint> AskAsync(EcsSource? source = null, bool ipv6 = false)
    {
        using var api = new EcsApi(source ?? Source(), TimeProvider.System);
        return await new EcsHints(api, ipv6, TimeProvider.System).AskAsync(Stop);
    }

    private sealed class FrozenTime : TimeProvider
    {
        public override long GetTimestamp() => 0;
    }
}
