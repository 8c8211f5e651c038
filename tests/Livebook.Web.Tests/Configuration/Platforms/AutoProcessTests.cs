using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Livebook.Testing;
using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Configuration.Platforms;

/// <summary>The program itself with LIVEBOOK_CLUSTER=auto.</summary>
public sealed partial class AutoProcessTests
{
    private static readonly (string, string)[] s_secrets =
    [
        ("LIVEBOOK_CLUSTER", "auto"),
        ("LIVEBOOK_COOKIE", "a cookie of the tests"),
        ("LIVEBOOK_SECRET_KEY_BASE", new string('s', 64)),
        ("LIVEBOOK_API_KEY", TestServer.ApiKey),
        ("LIVEBOOK_PORT", "0"),
        ("LIVEBOOK_SPARE_RUNTIMES", "0"),
    ];

    [Fact]
    public async Task Where_no_platform_is_recognised_it_stops_with_one_line()
    {
        using var data = new TemporaryFolder();
        var ended = await LivebookProcess.RunAsync(["server"], [.. s_secrets, ("LIVEBOOK_DATA_PATH", data.Path)]);
        Assert.Equal((1, ""), (ended.ExitCode, ended.Output));
        Assert.Matches(@"^\[Livebook\] LIVEBOOK_CLUSTER must be dns:QUERY here, [^\n]+FLY_APP_NAME[^\n]+\n$", ended.Error);
    }

    [Fact] // row 30
    public async Task Two_tasks_of_ECS_find_each_other_by_its_API_alone()
    {
        string[] addresses = ["127.0.81.11", "127.0.81.12"];
        await using var api = new FakeEcs();
        await using var second = new FakeEcs();
        FakeEcs[] metadata = [api, second];
        var port = Random.Shared.Next(20_000, 30_000).ToString(CultureInfo.InvariantCulture);
        using TemporaryFolder dataOne = new(),
            dataTwo = new();
        List<LivebookProcess> nodes = [];
        try
        {
            foreach (var (ecs, address, data) in metadata.Zip(addresses, [dataOne, dataTwo]))
            {
                ecs.Container["Networks"]![0]!["IPv4Addresses"] = new JsonArray(address);
                api.Tasks.Enqueue(FakeEcs.RunningTask(address));
                (string, string)[] own = [("LIVEBOOK_CLUSTER_PORT", port), ("LIVEBOOK_DATA_PATH", data.Path), ("AWS_ENDPOINT_URL_ECS", api.Place.ToString())];
                nodes.Add(LivebookProcess.Start(["server"], [.. s_secrets, .. ecs.Variables(), .. own]));
            }
            foreach (var node in nodes)
            {
                var said = await node.WritesAsync("Application running at");
                using var client = new ApiClient(new Uri(Address().Match(said).Value), TestServer.ApiKey);
                await UntilTwoAsync(client);
            }
        }
        finally
        {
            foreach (var node in nodes)
                await node.DisposeAsync();
        }
    }

    private static async Task UntilTwoAsync(ApiClient client)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (true)
        {
            var cluster = (await client.GetAsync(200, "cluster")).Json;
            if (cluster.GetProperty("nodes").EnumerateArray().Count(node => node.GetProperty("status").GetString() == "up") == 2)
                return;
            Assert.False(limit.IsCancellationRequested, $"waited in vain for two nodes: {cluster}");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    [GeneratedRegex(@"http://\S+")]
    private static partial Regex Address();
}
