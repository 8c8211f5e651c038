using System.Net;
using Livebook.Web.Configuration;
using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Configuration;

public sealed class ConfigurationTests : IDisposable
{
    private const string Cookie = "a cookie of the tests";
    private static readonly string s_secret = new('s', 64);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Without_variables_everything_has_its_standard_value()
    {
        var configuration = Read();
        Assert.Equal(IPAddress.Loopback, configuration.Ip);
        Assert.Equal(8080, configuration.Port);
        Assert.Equal(AuthMode.Token, configuration.Auth);
        Assert.Equal(("", ""), (configuration.BasePath, configuration.PublicBasePath));
        Assert.Equal("livebook@127.0.0.1", configuration.Cluster.Node);
        Assert.Null(configuration.Cluster.DnsQuery);
        Assert.Equal(13825, configuration.Cluster.Port);
        Assert.Equal(_folder.Path, configuration.Home);
        Assert.Equal(Path.Combine(_folder.Path, ".local", "share", "livebook"), configuration.DataPath);
        Assert.Empty(configuration.Remarks);
    }

    [Fact]
    public void An_empty_variable_counts_as_unset()
    {
        string[] names =
        [
            "PORT",
            "IP",
            "PASSWORD",
            "TOKEN_ENABLED",
            "API_KEY",
            "SECRET_KEY_BASE",
            "HOME",
            "DATA_PATH",
            "BASE_URL_PATH",
            "PUBLIC_BASE_URL_PATH",
            "FORCE_SSL_HOST",
            "PROXY_HEADERS",
            "CLUSTER",
            "NODE",
            "COOKIE",
            "COOKIE_PREVIOUS",
            "SECRET_KEY_BASE_PREVIOUS",
            "DRAIN_SECONDS",
            "CLOUD_MAP_NAME",
            "CLUSTER_PORT",
            "DNS_SERVER",
            "NOTEBOOK_LIMIT_BYTES",
            "OUTPUTS_LIMIT_BYTES",
            "MIN_FREE_BYTES",
            "UPLOAD_LIMIT_BYTES",
            "SOCKET_FRAME_LIMIT_BYTES",
            "SPARE_RUNTIMES",
            "IFRAME_PORT",
            "IFRAME_URL",
        ];
        var unset = Read();
        var empty = Read([.. names.Select(name => ($"LIVEBOOK_{name}", ""))]);
        Assert.Equal(unset.Cluster, empty.Cluster);
        Assert.Equal(unset.Limits, empty.Limits);
        Assert.Equal(
            (unset.Port, unset.Auth, unset.ApiKey, unset.SecretKeyBase, unset.DataPath),
            (empty.Port, empty.Auth, empty.ApiKey, empty.SecretKeyBase, empty.DataPath)
        );
        Assert.Empty(empty.Remarks);
    }

    [Theory]
    [InlineData("LIVEBOOK_PORT", "abc", "a whole number from 0 to 65535")]
    [InlineData("LIVEBOOK_PORT", "65536", "a whole number from 0 to 65535")]
    [InlineData("LIVEBOOK_PORT", "-1", "a whole number from 0 to 65535")]
    [InlineData("LIVEBOOK_PORT", "tcp://10.0.0.1:8080", "a whole number from 0 to 65535")]
    [InlineData("LIVEBOOK_IP", "localhost", "an IPv4 or IPv6 address")]
    [InlineData("LIVEBOOK_TOKEN_ENABLED", "yes", "true or false")]
    [InlineData("LIVEBOOK_BASE_URL_PATH", "books", "a path that starts with a slash, e.g. /livebook")]
    [InlineData("LIVEBOOK_PUBLIC_BASE_URL_PATH", "/a?b", "a path that starts with a slash, e.g. /livebook")]
    [InlineData("LIVEBOOK_FORCE_SSL_HOST", "https://books.example", "the name of a host, e.g. livebook.example.com")]
    [InlineData("LIVEBOOK_PROXY_HEADERS", "x-real-ip", "a list of x-forwarded-for, x-forwarded-host, x-forwarded-port, x-forwarded-proto")]
    [InlineData("LIVEBOOK_DRAIN_SECONDS", "3601", "a whole number from 1 to 3600")]
    [InlineData("LIVEBOOK_DRAIN_SECONDS", "soon", "a whole number from 1 to 3600")]
    [InlineData("LIVEBOOK_NODE", "books@fe80::1", "NAME@ADDRESS with an address that other machines can reach")]
    [InlineData("LIVEBOOK_NODE", "no address", "NAME@ADDRESS: a name of letters, digits, _ and -, and an IP address")]
    [InlineData("LIVEBOOK_NODE", "a.b@10.0.0.1", "NAME@ADDRESS: a name of letters, digits, _ and -, and an IP address")]
    [InlineData("LIVEBOOK_CLUSTER_PORT", "0", "a whole number from 1 to 65535")]
    [InlineData("LIVEBOOK_DNS_SERVER", "dns.example", "ADDRESS or ADDRESS:PORT of a DNS server")]
    [InlineData("LIVEBOOK_MIN_FREE_BYTES", "1GB", "a whole number from 0 to 1099511627776")]
    [InlineData("LIVEBOOK_NOTEBOOK_LIMIT_BYTES", "10", "a whole number from 1024 to 1073741824")]
    [InlineData("LIVEBOOK_UPLOAD_LIMIT_BYTES", "1e9", "a whole number from 1024 to 1099511627776")]
    [InlineData("LIVEBOOK_SOCKET_FRAME_LIMIT_BYTES", "1", "a whole number from 65536 to 67108864")]
    [InlineData("LIVEBOOK_SPARE_RUNTIMES", "many", "a whole number from 0 to 16")]
    public void A_wrong_value_is_named_with_what_is_expected(string name, string value, string expected) =>
        Assert.Equal($"{name} must be {expected}, found \"{value}\"", Fault((name, value)));

    [Theory]
    [InlineData("LIVEBOOK_PASSWORD", 12)]
    [InlineData("LIVEBOOK_API_KEY", 20)]
    [InlineData("LIVEBOOK_SECRET_KEY_BASE", 64)]
    [InlineData("LIVEBOOK_SECRET_KEY_BASE_PREVIOUS", 64)]
    public void A_short_secret_is_not_repeated(string name, int characters) =>
        Assert.Equal($"{name} must be at least {characters} characters long, found \"7 characters\"", Fault((name, "s3cr3t!")));

    [Fact]
    public void Directories_must_be_there_and_writable()
    {
        Assert.StartsWith(
            "LIVEBOOK_HOME must be a directory that exists, found \"/no/such/place\"",
            Fault(("LIVEBOOK_HOME", "/no/such/place")),
            StringComparison.Ordinal
        );
        var file = _folder.Write("file", "");
        Assert.StartsWith(
            "LIVEBOOK_DATA_PATH must be a directory that can be written to (",
            Fault(("LIVEBOOK_DATA_PATH", Path.Combine(file, "data"))),
            StringComparison.Ordinal
        );
        Assert.StartsWith("LIVEBOOK_DATA_PATH must be a directory that can be written to (", Fault(("LIVEBOOK_DATA_PATH", file)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_cluster_needs_a_node_a_cookie_and_a_secret()
    {
        (string, string) cluster = ("LIVEBOOK_CLUSTER", "dns:books.internal"),
            node = ("LIVEBOOK_NODE", "books@10.0.0.7"),
            cookie = ("LIVEBOOK_COOKIE", Cookie),
            secret = ("LIVEBOOK_SECRET_KEY_BASE", s_secret);
        Assert.EndsWith("but it is not set", Fault(cluster, node, secret), StringComparison.Ordinal);
        Assert.StartsWith("LIVEBOOK_COOKIE must be", Fault(cluster, node, secret), StringComparison.Ordinal);
        Assert.Equal("LIVEBOOK_COOKIE must be at least 20 characters long, found \"5 characters\"", Fault(cluster, node, secret, ("LIVEBOOK_COOKIE", "crumb")));
        Assert.StartsWith("LIVEBOOK_SECRET_KEY_BASE must be", Fault(cluster, node, cookie), StringComparison.Ordinal);
        Assert.DoesNotContain(s_secret, Fault(cluster, node, ("LIVEBOOK_COOKIE", s_secret), secret), StringComparison.Ordinal);
        var configuration = Read(cluster, node, cookie, secret);
        Assert.Equal(("books@10.0.0.7", "books.internal", false), (configuration.Cluster.Node, configuration.Cluster.DnsQuery, configuration.Cluster.Ipv6));
        Assert.True(Read(cluster, ("LIVEBOOK_NODE", "books@fdaa::2"), cookie, secret).Cluster.Ipv6);
        Assert.Equal(
            "LIVEBOOK_NODE must be NAME@ADDRESS with an IPv6 address, because node links are IPv6 here, found \"books@10.0.0.7\"",
            Fault(cluster, node, cookie, secret, ("ERL_ZFLAGS", "+P 100 -proto_dist inet6_tcp"))
        );
        Assert.Equal("livebook@::1", Read(("ERL_AFLAGS", "-proto_dist  inet6_tcp")).Cluster.Node);
    }

    [Fact]
    public void A_value_of_several_lines_is_told_on_one()
    {
        var fault = Fault(("LIVEBOOK_PORT", "80\n80\r"));
        Assert.DoesNotContain('\n', fault);
        Assert.DoesNotContain('\r', fault);
        Assert.Contains("80\\n80\\r", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void A_password_comes_before_the_token_and_no_token_means_no_sign_in()
    {
        Assert.Equal(AuthMode.Password, Read(("LIVEBOOK_PASSWORD", "a long password"), ("LIVEBOOK_TOKEN_ENABLED", "true")).Auth);
        Assert.Equal(AuthMode.None, Read(("LIVEBOOK_TOKEN_ENABLED", "false")).Auth);
    }

    [Fact]
    public void Paths_lose_the_slash_at_their_end_and_the_public_one_follows_the_other()
    {
        Assert.Equal(("/books", "/books"), PathsOf(Read(("LIVEBOOK_BASE_URL_PATH", "/books/"))));
        Assert.Equal(("/books", "/open"), PathsOf(Read(("LIVEBOOK_BASE_URL_PATH", "/books"), ("LIVEBOOK_PUBLIC_BASE_URL_PATH", "/open/"))));
        Assert.Equal(("/books", ""), PathsOf(Read(("LIVEBOOK_BASE_URL_PATH", "/books"), ("LIVEBOOK_PUBLIC_BASE_URL_PATH", "/"))));
    }

    [Fact]
    public void A_variable_without_effect_is_remarked_on()
    {
        var remarks = Read(("LIVEBOOK_IFRAME_PORT", "8081"), ("LIVEBOOK_IFRAME_URL", "https://frames.example")).Remarks;
        Assert.Equal(["LIVEBOOK_IFRAME_PORT", "LIVEBOOK_IFRAME_URL"], remarks.Select(remark => remark.Split(' ')[0]));
    }

    [Fact]
    public void The_secret_is_made_once_and_only_its_owner_can_read_it()
    {
        var first = Read();
        Assert.True(first.SecretKeyBase.Length >= 64);
        Assert.Equal(first.SecretKeyBase, Read().SecretKeyBase);
        var file = Path.Combine(first.DataPath, "secret_key_base");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(first.DataPath));
        File.WriteAllText(file, "short");
        Assert.Contains(file, Fault(), StringComparison.Ordinal);
    }

    private static (string, string) PathsOf(LivebookConfiguration configuration) => (configuration.BasePath, configuration.PublicBasePath);

    private LivebookConfiguration Read(params (string Name, string Value)[] variables)
    {
        var all = new Dictionary<string, string> { ["HOME"] = _folder.Path };
        foreach (var (name, value) in variables)
            all[name] = value;
        return LivebookConfiguration.Read(all, "1.2.3");
    }

    private string Fault(params (string Name, string Value)[] variables) => Assert.Throws<ConfigurationException>(() => Read(variables)).Message;
}
