using System.Net;
using Livebook.Web.Configuration;

namespace Livebook.Web.Tests.Configuration.Platforms;

/// <summary>LIVEBOOK_CLUSTER=auto on Fly.io, on Kubernetes (row 31) and where it means nothing.</summary>
public sealed class AutoTests
{
    private const string Image = "registry.fly.io/my-lb:deployment-01H9RK9EYO9PGNBYAKGXSHV0PH";

    private const string ClusterFirst = "nameserver 127.0.0.1:1\nsearch books.svc.k8s.example svc.k8s.example k8s.example\noptions ndots:5\n";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Fly_names_the_node_by_its_image_and_the_cluster_by_its_app()
    {
        var place = await FindAsync(OnFly(("FLY_IMAGE_REF", Image)));
        Assert.Equal(("my-lb-122b2367c8@fdaa::2", "my-lb", "my-lb.internal", true), (place.Node, place.ClusterName, place.DnsQuery, place.Ipv6));
    }

    [Fact]
    public async Task Two_images_of_a_Fly_app_are_one_cluster()
    {
        var old = await FindAsync(OnFly(("FLY_IMAGE_REF", Image)));
        var next = await FindAsync(OnFly(("FLY_IMAGE_REF", $"{Image}X")));
        Assert.NotEqual(old.Node, next.Node);
        Assert.Equal(old.ClusterName, next.ClusterName);
    }

    [Fact]
    public async Task What_is_exported_wins_over_what_Fly_tells()
    {
        var place = await FindAsync(OnFly(("FLY_IMAGE_REF", Image), ("LIVEBOOK_NODE", "books@fdaa::9")));
        Assert.Equal("books@fdaa::9", place.Node);
        var stated = await FindAsync(OnFly(("LIVEBOOK_CLUSTER", "dns:other.internal"), ("LIVEBOOK_NODE", "books@fdaa:0::0009")));
        Assert.Equal(("books@fdaa::9", "other.internal", null), (stated.Node, stated.DnsQuery, stated.ClusterName));
    }

    [Fact]
    public async Task Kubernetes_tells_namespace_domain_and_address()
    {
        var place = await FindAsync(InKubernetes(("POD_IP", "10.1.2.3")), Pod("10.1.2.3"));
        Assert.Equal(("livebook@10.1.2.3", "livebook-headless.books.svc.k8s.example.", false), (place.Node, place.DnsQuery, place.Ipv6));
    }

    [Fact]
    public async Task Without_POD_IP_the_only_address_of_the_pod_is_taken()
    {
        var place = await FindAsync(InKubernetes(), Pod("127.0.0.1", "::1", "fe80::1%2", "169.254.1.1", "10.1.2.4"));
        Assert.Equal("livebook@10.1.2.4", place.Node);
    }

    [Fact]
    public async Task A_pod_of_both_families_gives_the_one_that_is_asked_for()
    {
        (string, string) both = ("POD_IPS", "10.1.2.3,fd00::3"),
            flags = ("ERL_AFLAGS", "-proto_dist inet6_tcp");
        Assert.Equal("livebook@10.1.2.3", (await FindAsync(InKubernetes(("POD_IP", "10.1.2.3"), both), Pod())).Node);
        Assert.Equal("livebook@fd00::3", (await FindAsync(InKubernetes(("POD_IP", "10.1.2.3"), both, flags), Pod())).Node);
    }

    [Fact]
    public async Task The_namespace_is_in_the_search_list_too()
    {
        var pod = Pod() with
        {
            ReadFile = path => path == "/etc/resolv.conf" ? ClusterFirst.Replace("books.svc", "shelf.svc", StringComparison.Ordinal) : null,
        };
        Assert.Equal("livebook-headless.shelf.svc.k8s.example.", (await FindAsync(InKubernetes(("POD_IP", "10.1.2.3")), pod)).DnsQuery);
        Assert.Equal(
            "livebook-headless.given.svc.cluster.local.",
            (await FindAsync(InKubernetes(("POD_IP", "10.1.2.3"), ("POD_NAMESPACE", "given")), pod with { ReadFile = _ => null })).DnsQuery
        );
    }

    [Fact]
    public async Task Without_a_namespace_or_an_address_one_line_says_so()
    {
        var error = await Assert.ThrowsAsync<ConfigurationException>(() => FindAsync(InKubernetes(), Pod() with { ReadFile = _ => null }));
        Assert.StartsWith("POD_NAMESPACE must be the pod's namespace", error.Message, StringComparison.Ordinal);
        error = await Assert.ThrowsAsync<ConfigurationException>(() => FindAsync(InKubernetes(), Pod("127.0.0.1")));
        Assert.Contains("this machine has no address that others can reach", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Variables_that_Kubernetes_made_for_services_are_left_out_and_said()
    {
        var all = new Dictionary<string, string>
        {
            ["KUBERNETES_SERVICE_HOST"] = "10.0.0.1",
            ["LIVEBOOK_PORT"] = "tcp://10.0.0.9:8080",
            ["LIVEBOOK_PORT_8080_TCP"] = "tcp://10.0.0.9:8080",
            ["LIVEBOOK_IFRAME_PORT"] = "tcp://10.0.0.10:8081",
            ["LIVEBOOK_IP"] = "::",
        };
        var (variables, remarks) = ServiceLinks.Remove(all);
        Assert.False(variables.ContainsKey("LIVEBOOK_PORT"));
        Assert.Equal("::", variables["LIVEBOOK_IP"]);
        Assert.Equal(["LIVEBOOK_IFRAME_PORT", "LIVEBOOK_PORT"], remarks.Select(remark => remark.Split(' ')[0]));
        all["LIVEBOOK_PORT"] = "8080";
        Assert.Equal("8080", ServiceLinks.Remove(all).Variables["LIVEBOOK_PORT"]);
    }

    [Fact]
    public async Task Elsewhere_one_line_says_what_was_looked_for()
    {
        var error = await Assert.ThrowsAsync<ConfigurationException>(() => FindAsync([("LIVEBOOK_CLUSTER", "auto")]));
        Assert.DoesNotContain('\n', error.Message);
        Assert.All(
            ["FLY_APP_NAME", "ECS_CONTAINER_METADATA_URI_V4", "KUBERNETES_SERVICE_HOST"],
            name => Assert.Contains(name, error.Message, StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData("redis:books")]
    [InlineData("dns:")]
    [InlineData("dns:a b")]
    [InlineData("Auto")]
    public async Task Anything_else_is_refused(string value)
    {
        var error = await Assert.ThrowsAsync<ConfigurationException>(() => FindAsync([("LIVEBOOK_CLUSTER", value)]));
        Assert.Equal($"LIVEBOOK_CLUSTER must be auto, or dns:QUERY with a name to ask for, found \"{value}\"", error.Message);
    }

    private static (string, string)[] OnFly(params (string, string)[] more) =>
        [("LIVEBOOK_CLUSTER", "auto"), ("FLY_APP_NAME", "my-lb"), ("FLY_PRIVATE_IP", "fdaa:0:0:0::0002"), .. more];

    private static (string, string)[] InKubernetes(params (string, string)[] more) =>
        [("LIVEBOOK_CLUSTER", "auto"), ("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("LIVEBOOK_DNS_SERVER", "127.0.81.1:1"), .. more];

    private static Machine Pod(params string[] addresses) =>
        new()
        {
            Addresses = () => [.. addresses.Select(IPAddress.Parse)],
            ReadFile = path =>
                path switch
                {
                    "/etc/resolv.conf" => ClusterFirst,
                    "/var/run/secrets/kubernetes.io/serviceaccount/namespace" => "books\n",
                    _ => null,
                },
            Budget = TimeSpan.Zero,
        };

    private static Task<ClusterPlace> FindAsync((string Name, string Value)[] variables, Machine? machine = null)
    {
        var all = new Dictionary<string, string>();
        foreach (var (name, value) in variables)
            all[name] = value;
        return ClusterPlace.FindAsync(new EnvironmentReader(all), machine ?? Pod(), Stop);
    }
}
