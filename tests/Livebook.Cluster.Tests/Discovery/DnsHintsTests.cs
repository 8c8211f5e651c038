using System.Net;
using Livebook.Cluster.Discovery;
using Livebook.Cluster.Tests.Membership;

namespace Livebook.Cluster.Tests.Discovery;

public sealed class DnsHintsTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory] // row 17
    [InlineData(false, "10.0.0.1")]
    [InlineData(true, "fd00::1")]
    public async Task Of_both_families_the_own_one_counts(bool ipv6, string expected) =>
        Assert.Equal([IPAddress.Parse(expected)], (await AskAsync("nodes.test", ipv6, "10.0.0.1", "fd00::1")).Addresses);

    [Fact] // row 17
    public async Task Addresses_that_are_mapped_into_IPv6_are_IPv4() =>
        Assert.Equal([IPAddress.Parse("10.0.0.1")], (await AskAsync("nodes.test", false, "::ffff:10.0.0.1")).Addresses);

    [Theory] // row 17
    [InlineData(false, "fd00::1", "has only IPv6 addresses, and this node has an IPv4 address")]
    [InlineData(true, "10.0.0.1", "has only IPv4 addresses, and this node has an IPv6 address")]
    public async Task Only_the_other_family_is_explained(bool ipv6, string named, string why) =>
        Assert.Equal($"cannot resolve, retrying: nodes.test {why}", (await AskAsync("nodes.test", ipv6, named)).Error);

    [Fact] // row 31
    public async Task A_service_of_Kubernetes_that_is_not_there_is_explained()
    {
        await using var dns = new TinyDns();
        dns.Fail(3);
        var hint = await new DnsHints("livebook-headless.books.svc.cluster.local.", false, dns.EndPoint).AskAsync(Stop);
        Assert.Contains("publishNotReadyAddresses: true", hint.Error, StringComparison.Ordinal);
    }

    [Fact] // row 15
    public async Task A_server_that_says_nothing_is_told_apart()
    {
        await using var dns = new TinyDns();
        dns.Silence();
        Assert.Equal("cannot resolve, retrying: nodes.test: no answer", (await new DnsHints("nodes.test", false, dns.EndPoint).AskAsync(Stop)).Error);
    }

    [Fact]
    public async Task No_records_are_no_answer() =>
        Assert.Equal("cannot resolve, retrying: nodes.test has no addresses", (await AskAsync("nodes.test", false)).Error);

    private static async Task<Hint> AskAsync(string name, bool ipv6, params string[] addresses)
    {
        await using var dns = new TinyDns(addresses);
        return await new DnsHints(name, ipv6, dns.EndPoint).AskAsync(Stop);
    }
}
