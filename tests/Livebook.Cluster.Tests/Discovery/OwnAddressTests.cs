using System.Net;
using Livebook.Cluster.Discovery;
using Livebook.Cluster.Tests.Membership;

namespace Livebook.Cluster.Tests.Discovery;

public sealed class OwnAddressTests
{
    private static readonly string[] Two = ["127.0.0.1", "10.0.0.1", "10.1.0.1", "fe80::1%1", "169.254.3.3"];

    [Fact]
    public async Task The_own_address_that_DNS_names_is_it() => Assert.Equal("10.1.0.1", await FindAsync(Two, false, "10.1.0.1", "10.1.0.2"));

    [Fact]
    public async Task Loopback_counts_only_when_DNS_names_it()
    {
        Assert.Equal("127.0.0.1", await FindAsync(Two, false, "127.0.0.1"));
        Assert.Equal("this machine has no address that others can reach", await FindAsync(["127.0.0.1", "::1"], false, "10.1.0.1"));
    }

    [Fact]
    public async Task The_only_routable_one_is_taken_when_DNS_does_not_name_it_yet()
    {
        Assert.Equal("10.0.0.1", await FindAsync(["127.0.0.1", "10.0.0.1"], false, "10.1.0.1"));
        Assert.Equal("10.0.0.1", await FindAsync(["10.0.0.1", "fd00::1"], false, "10.1.0.1"));
        Assert.Equal("fd00::1", await FindAsync(["10.0.0.1", "fd00::1"], false, "fd00::2"));
        Assert.Equal("fd00::1", await FindAsync(["10.0.0.1", "fd00::1"], true));
        Assert.Equal("10.0.0.1", await FindAsync(["10.0.0.1", "fd00::1"], false));
    }

    [Fact]
    public async Task Several_are_told_and_none_is_guessed()
    {
        Assert.Equal("this machine has several addresses (10.0.0.1, 10.1.0.1), and nodes.test names none of them", await FindAsync(Two, false, "10.2.0.1"));
        Assert.Equal("this machine has no IPv6 address that others can reach", await FindAsync(Two, true, "fd00::1"));
    }

    private static async Task<string> FindAsync(string[] own, bool ipv6, params string[] named)
    {
        await using var dns = new TinyDns(named);
        var found = await OwnAddress.FindAsync(
            own.Select(IPAddress.Parse),
            "nodes.test",
            ipv6,
            dns.EndPoint,
            TimeSpan.Zero,
            TimeProvider.System,
            TestContext.Current.CancellationToken
        );
        return found.Address?.ToString() ?? found.Why;
    }
}
