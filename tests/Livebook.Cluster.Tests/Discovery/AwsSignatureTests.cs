using Livebook.Cluster.Discovery;

namespace Livebook.Cluster.Tests.Discovery;

/// <summary>The vectors that AWS has published for Signature Version 4.</summary>
public sealed class AwsSignatureTests
{
    [Theory]
    [InlineData("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
    [InlineData("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")]
    public void Signatures_are_those_of_the_published_vectors(string method, string signature)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), "https://example.amazonaws.com/");
        var credentials = new AwsCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", null, DateTimeOffset.MaxValue);
        AwsSignature.Sign(request, [], credentials, "us-east-1", "service", new(2015, 8, 30, 12, 36, 0, TimeSpan.Zero));
        Assert.Equal(
            $"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature={signature}",
            string.Concat(request.Headers.GetValues("Authorization"))
        );
    }

    [Fact]
    public void A_secret_key_is_not_in_its_text() =>
        Assert.Equal("AKIDEXAMPLE", new AwsCredentials("AKIDEXAMPLE", "secret", "token", DateTimeOffset.MaxValue).ToString());
}
