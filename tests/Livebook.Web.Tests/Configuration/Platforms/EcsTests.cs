using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Livebook.Testing;
using Livebook.Web.Configuration;

namespace Livebook.Web.Tests.Configuration.Platforms;

/// <summary>LIVEBOOK_CLUSTER=auto on AWS ECS (row 30).</summary>
public sealed class EcsTests : IAsyncDisposable
{
    private readonly FakeEcs _ecs = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

#pragma warning disable CA5350 // The name is made so.
    private static string Name { get; } = $"livebook-{Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes($"{FakeEcs.Image}\n")))[..10]}";
#pragma warning restore CA5350

    public ValueTask DisposeAsync() => _ecs.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_image_names_the_cluster_and_the_task_gives_the_address(bool v4)
    {
        _ecs.HasV4 = v4;
        var place = await FindAsync();
        Assert.Equal(($"{Name}@10.0.0.61", null, null, false), (place.Node, place.ClusterName, place.DnsQuery, place.Ipv6));
        Assert.Equal(
            (FakeEcs.ClusterArn, "books-service", "eu-west-7", _ecs.Place, new Uri(_ecs.Place, "credentials"), FakeEcs.Authorization),
            (place.Ecs!.Cluster, place.Ecs.Service, place.Ecs.Region, place.Ecs.Endpoint, place.Ecs.Credentials, place.Ecs.Authorization)
        );
        Assert.Equal(2, _ecs.Asked.Count);
    }

    [Fact]
    public async Task An_older_endpoint_is_asked_when_the_newer_one_has_nothing()
    {
        var variables = _ecs.Variables();
        _ecs.HasV4 = false;
        Assert.Equal($"{Name}@10.0.0.61", (await FindAsync(variables)).Node);
    }

    [Fact]
    public async Task Throttled_and_failed_answers_are_asked_for_again()
    {
        _ecs.FailNext(5);
        Assert.Equal($"{Name}@10.0.0.61", (await FindAsync()).Node);
    }

    [Fact]
    public async Task An_endpoint_that_does_not_answer_ends_with_one_line()
    {
        _ecs.FailNext(int.MaxValue);
        var error = await FaultAsync(TimeSpan.FromSeconds(0.3));
        Assert.StartsWith("LIVEBOOK_CLUSTER must be dns:QUERY, with LIVEBOOK_NODE, while the metadata endpoint", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_task_with_only_IPv6_says_so()
    {
        var network = _ecs.Container["Networks"]![0]!.AsObject();
        network.Remove("IPv4Addresses");
        network["IPv6Addresses"] = new JsonArray("2600:1f13:a0::0061");
        var place = await FindAsync();
        Assert.Equal(($"{Name}@2600:1f13:a0::61", true), (place.Node, place.Ipv6));
    }

    [Fact]
    public async Task Both_families_give_the_one_that_is_asked_for()
    {
        _ecs.Container["Networks"]![0]!["IPv6Addresses"] = new JsonArray("2600:1f13:a0::61");
        Assert.Equal($"{Name}@10.0.0.61", (await FindAsync()).Node);
        Assert.Equal($"{Name}@2600:1f13:a0::61", (await FindAsync([.. _ecs.Variables(), ("ERL_ZFLAGS", "-proto_dist inet6_tcp")])).Node);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""[{"NetworkMode": "host", "IPv4Addresses": [""]}]""")]
    [InlineData("""[{"NetworkMode": "awsvpc", "IPv4Addresses": []}]""")]
    public async Task Without_an_address_in_the_document_the_machine_has_it(string networks)
    {
        _ecs.Container["Networks"] = JsonNode.Parse(networks);
        Assert.Equal($"{Name}@10.0.9.9", (await FindAsync()).Node);
    }

    [Fact]
    public async Task Bridge_mode_is_explained_with_the_remedy()
    {
        _ecs.Container["Networks"] = JsonNode.Parse("""[{"NetworkMode": "bridge", "IPv4Addresses": ["172.17.0.3"]}]""");
        var error = await FaultAsync();
        Assert.Contains("network mode is bridge", error, StringComparison.Ordinal);
        Assert.Contains("awsvpc", error, StringComparison.Ordinal);
        Assert.Equal($"{Name}@10.0.9.9", (await FindAsync([.. _ecs.Variables(), ("LIVEBOOK_NODE", $"{Name}@10.0.9.9")])).Node);
    }

    [Fact]
    public async Task Without_an_image_the_node_must_be_named()
    {
        _ecs.Container.Remove("ImageID");
        Assert.Contains("ImageID", await FaultAsync(), StringComparison.Ordinal);
        Assert.Equal("books@10.0.0.61", (await FindAsync([.. _ecs.Variables(), ("LIVEBOOK_NODE", "books")])).Node);
    }

    [Fact]
    public async Task What_the_task_does_not_tell_is_in_the_labels()
    {
        foreach (var name in new[] { "Cluster", "TaskARN", "Family", "ServiceName" })
            _ecs.Task.Remove(name);
        var place = await FindAsync([.. _ecs.Variables().Where(variable => variable.Name != "AWS_REGION")]);
        Assert.Equal((FakeEcs.ClusterArn, null, "books", "eu-west-7"), (place.Ecs!.Cluster, place.Ecs.Service, place.Ecs.Family, place.Ecs.Region));
        _ecs.Container.Remove("Labels");
        Assert.StartsWith("LIVEBOOK_CLOUD_MAP_NAME must be SERVICE.NAMESPACE", await FaultAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_of_Cloud_Map_is_asked_instead_of_the_API()
    {
        var place = await FindAsync([.. _ecs.Variables(), ("LIVEBOOK_CLOUD_MAP_NAME", "books.shelf.internal")]);
        Assert.Equal(("books.shelf.internal", null), (place.DnsQuery, place.Ecs));
    }

    [Fact]
    public async Task Without_a_role_and_without_Cloud_Map_both_remedies_are_named()
    {
        var error = await FaultAsync(variables: [.. _ecs.Variables().Where(variable => !variable.Name.Contains("CREDENTIALS", StringComparison.Ordinal))]);
        Assert.StartsWith("LIVEBOOK_CLOUD_MAP_NAME must be", error, StringComparison.Ordinal);
        Assert.Contains("ecs:ListTasks and ecs:DescribeTasks", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://evil.example/credentials")]
    [InlineData("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "http://evil.example/credentials")]
    [InlineData("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "//evil.example/credentials")]
    [InlineData("AWS_REGION", "eu-west-7.evil.example/")]
    [InlineData("ECS_CONTAINER_METADATA_URI_V4", "file:///etc/passwd")]
    [InlineData("AWS_ENDPOINT_URL_ECS", "books")]
    public async Task A_variable_that_leads_elsewhere_is_refused(string name, string value) =>
        Assert.StartsWith($"{name} must be", await FaultAsync(variables: [.. _ecs.Variables(), (name, value)]), StringComparison.Ordinal);

    private async Task<string> FaultAsync(TimeSpan? budget = null, (string, string)[]? variables = null) =>
        (await Assert.ThrowsAsync<ConfigurationException>(() => FindAsync(variables, budget))).Message;

    private Task<ClusterPlace> FindAsync((string Name, string Value)[]? variables = null, TimeSpan? budget = null)
    {
        var all = new Dictionary<string, string> { ["LIVEBOOK_CLUSTER"] = "auto" };
        foreach (var (name, value) in variables ?? _ecs.Variables())
            all[name] = value;
        var machine = new Machine
        {
            ReadFile = _ => null,
            Addresses = () => [IPAddress.Parse("10.0.9.9")],
            Budget = budget ?? TimeSpan.FromSeconds(30),
        };
        return ClusterPlace.FindAsync(new EnvironmentReader(all), machine, Stop);
    }
}
