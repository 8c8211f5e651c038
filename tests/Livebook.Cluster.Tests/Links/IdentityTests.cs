using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Livebook.Cluster.Links;

namespace Livebook.Cluster.Tests.Links;

public sealed class IdentityTests
{
    [Fact]
    public void The_same_cookie_is_recognised_and_others_are_not()
    {
        using var one = Identity.FromCookie("cookie");
        using var same = Identity.FromCookie("cookie");
        using var other = Identity.FromCookie("cookie ");

        Assert.Null(one.Refuse(same.Context.TargetCertificate));
        Assert.Equal("another LIVEBOOK_COOKIE", one.Refuse(other.Context.TargetCertificate));
        Assert.Equal("not a Livebook node", one.Refuse(null));
    }

    [Fact]
    public void A_certificate_that_only_copies_the_name_does_not_help()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var forged = new CertificateRequest("CN=livebook", key, HashAlgorithmName.SHA256).CreateSelfSigned(
            DateTimeOffset.UnixEpoch,
            DateTimeOffset.MaxValue
        );
        using var identity = Identity.FromCookie("cookie");
        Assert.Equal("another LIVEBOOK_COOKIE", identity.Refuse(forged));
    }
}
