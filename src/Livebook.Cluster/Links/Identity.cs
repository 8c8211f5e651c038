using System.Net.Security;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Livebook.Cluster.Links;

/// <summary>The key pair that every node with the same cookie derives, in a certificate of its own; peers are recognised by the public key alone.</summary>
internal sealed class Identity : IDisposable
{
    /// <summary>Tells a node of another cookie from any other certificate; proves nothing.</summary>
    private const string Subject = "CN=livebook";

    private static readonly BigInteger Order = BigInteger.Parse(
        "0ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        System.Globalization.NumberStyles.HexNumber,
        System.Globalization.CultureInfo.InvariantCulture
    );

    private readonly X509Certificate2 certificate;
    private readonly byte[] pin;

    private Identity(X509Certificate2 certificate)
    {
        this.certificate = certificate;
        pin = Pin(certificate);
        Context = SslStreamCertificateContext.Create(certificate, null, offline: true);
        ServerName = $"{Convert.ToHexStringLower(pin.AsSpan(0, 8))}.livebook";
    }

    /// <summary>What TLS presents.</summary>
    public SslStreamCertificateContext Context { get; }

    /// <summary>Name by which a caller says which identity it means; made from the public key, which everybody on the wire sees.</summary>
    public string ServerName { get; }

    /// <summary>Derives the identity; about 0.1 s, because whoever can connect sees the public key and may try cookies against it.</summary>
    public static Identity FromCookie(string cookie)
    {
        var seed = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(cookie), "livebook/cluster/v1"u8.ToArray(), 200_000, HashAlgorithmName.SHA256, 32);
        var wide = HKDF.DeriveKey(HashAlgorithmName.SHA256, seed, 48, info: "tls-p256"u8.ToArray());
        var scalar = (new BigInteger(wide, isUnsigned: true, isBigEndian: true) % (Order - 1)) + 1;
        var bytes = scalar.ToByteArray(isUnsigned: true, isBigEndian: true);
        var key = new byte[32];
        bytes.CopyTo(key, 32 - bytes.Length);
        using var pair = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = key });
        CryptographicOperations.ZeroMemory(seed);
        CryptographicOperations.ZeroMemory(wide);
        CryptographicOperations.ZeroMemory(key);
        var request = new CertificateRequest(Subject, pair, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        return new(request.CreateSelfSigned(new(1970, 1, 1, 0, 0, 0, TimeSpan.Zero), new(9999, 12, 31, 0, 0, 0, TimeSpan.Zero)));
    }

    /// <summary>Null when the other side holds the same cookie; else why not.</summary>
    public string? Refuse(X509Certificate? theirs)
    {
        if (theirs is not X509Certificate2 other)
        {
            return Reasons.NoNode;
        }
        if (CryptographicOperations.FixedTimeEquals(Pin(other), pin))
        {
            return null;
        }
        return other.Subject == Subject ? Reasons.OtherCookie : Reasons.NoNode;
    }

    public void Dispose() => certificate.Dispose();

    private static byte[] Pin(X509Certificate2 certificate) => SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo());
}
