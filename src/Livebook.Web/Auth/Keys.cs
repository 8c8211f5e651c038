using System.Security.Cryptography;
using System.Text;

namespace Livebook.Web.Auth;

/// <summary>Keys derived from LIVEBOOK_SECRET_KEY_BASE, one for each purpose, so that they hold on every node and after a restart.</summary>
internal sealed class Keys(string secretKeyBase)
{
    private const string TokenAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
    private const int TokenLength = 32;

    private readonly byte[] _secret = Encoding.UTF8.GetBytes(secretKeyBase);

    /// <summary>32 bytes for one purpose (HKDF, RFC 5869).</summary>
    public byte[] Derive(string purpose) => HKDF.DeriveKey(HashAlgorithmName.SHA256, _secret, 32, info: Encoding.UTF8.GetBytes($"livebook/{purpose}/v1"));

    /// <summary>Tells whether two nodes have the same secret, and nothing else about it.</summary>
    public string Id() => Convert.ToHexStringLower(Derive("key-id").AsSpan(0, 8));

    /// <summary>The access token: 160 bits in base 32.</summary>
    public string AccessToken()
    {
        var bytes = Derive("access-token");
        return string.Create(
            TokenLength,
            bytes,
            (token, source) =>
            {
                for (var i = 0; i < token.Length; i++)
                    token[i] = TokenAlphabet[source[i] % TokenAlphabet.Length];
            }
        );
    }
}
