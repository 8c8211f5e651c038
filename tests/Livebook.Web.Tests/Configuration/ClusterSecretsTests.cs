using Livebook.Web.Configuration;

namespace Livebook.Web.Tests.Configuration;

public sealed class ClusterSecretsTests
{
    private const string Long = "0123456789012345678901234567890123456789012345678901234567890123";
    private const string Other = "x123456789012345678901234567890123456789012345678901234567890123";

    [Theory]
    [InlineData(null, Long, null, null, "LIVEBOOK_COOKIE must be a secret of at least 20 characters")]
    [InlineData("crumb", Long, null, null, "LIVEBOOK_COOKIE must be at least 20 characters long")]
    [InlineData(Other, null, null, null, "LIVEBOOK_SECRET_KEY_BASE must be a secret of at least 64 characters")]
    [InlineData(Other, "short", null, null, "LIVEBOOK_SECRET_KEY_BASE must be at least 64 characters long")]
    [InlineData(Long, Long, null, null, "LIVEBOOK_COOKIE must be another secret than LIVEBOOK_SECRET_KEY_BASE, found")]
    [InlineData(Other, Long, null, Other, "LIVEBOOK_COOKIE must be another secret than LIVEBOOK_SECRET_KEY_BASE_PREVIOUS")]
    [InlineData(Other, Long, "crumb", null, "LIVEBOOK_COOKIE_PREVIOUS must be at least 20 characters long")]
    [InlineData(Other, Long, Long, null, "LIVEBOOK_COOKIE_PREVIOUS must be another secret than LIVEBOOK_SECRET_KEY_BASE, found")]
    [InlineData(Other, Long, null, "short", "LIVEBOOK_SECRET_KEY_BASE_PREVIOUS must be at least 64 characters long")]
    public void In_a_cluster_secrets_are_there_long_and_different(string? cookie, string? secret, string? cookieBefore, string? secretBefore, string fault)
    {
        var error = Assert.Throws<ConfigurationException>(() => Read("dns:books.internal", cookie, secret, cookieBefore, secretBefore));
        Assert.StartsWith(fault, error.Message, StringComparison.Ordinal);
        foreach (var value in new[] { cookie, secret, cookieBefore, secretBefore }.OfType<string>().Where(value => value != "short"))
            Assert.DoesNotContain(value, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Alone_a_cookie_means_nothing() => Assert.Equal("crumb", Read("", "crumb", null, "x", null).Cookie);

    [Fact]
    public void Nothing_of_a_secret_is_in_its_text() => Assert.DoesNotContain(Long[..10], $"{Read("auto", Other, Long, null, null)}", StringComparison.Ordinal);

    private static ClusterSecrets Read(string cluster, string? cookie, string? secret, string? cookieBefore, string? secretBefore) =>
        ClusterSecrets.Read(
            new EnvironmentReader(
                new Dictionary<string, string>
                {
                    ["LIVEBOOK_CLUSTER"] = cluster,
                    ["LIVEBOOK_COOKIE"] = cookie ?? "",
                    ["LIVEBOOK_SECRET_KEY_BASE"] = secret ?? "",
                    ["LIVEBOOK_COOKIE_PREVIOUS"] = cookieBefore ?? "",
                    ["LIVEBOOK_SECRET_KEY_BASE_PREVIOUS"] = secretBefore ?? "",
                }
            )
        );
}
