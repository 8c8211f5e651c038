using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Livebook.Server.Settings;

/// <summary>A text encrypted with AES-256-GCM: <c>KEY.BASE64</c> of nonce, tag and content, bound to its place.</summary>
internal static class SealedText
{
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    public static string Seal(string id, byte[] key, string place, string value)
    {
        var plain = Encoding.UTF8.GetBytes(value);
        var bytes = new byte[NonceBytes + TagBytes + plain.Length];
        RandomNumberGenerator.Fill(bytes.AsSpan(0, NonceBytes));
        using var cipher = new AesGcm(key, TagBytes);
        cipher.Encrypt(
            bytes.AsSpan(0, NonceBytes),
            plain,
            bytes.AsSpan(NonceBytes + TagBytes),
            bytes.AsSpan(NonceBytes, TagBytes),
            Encoding.UTF8.GetBytes(place)
        );
        return $"{id}.{Convert.ToBase64String(bytes)}";
    }

    /// <summary>Null when it is not sealed for this place, or with no key of these.</summary>
    public static string? Open(ImmutableSortedDictionary<string, byte[]> keys, string place, string sealedText)
    {
        if (sealedText.Split('.') is not [var id, var base64] || !keys.TryGetValue(id, out var key))
            return null;
        var bytes = new byte[base64.Length];
        if (!Convert.TryFromBase64String(base64, bytes, out var length) || length < NonceBytes + TagBytes)
            return null;
        var plain = new byte[length - NonceBytes - TagBytes];
        try
        {
            using var cipher = new AesGcm(key, TagBytes);
            cipher.Decrypt(
                bytes.AsSpan(0, NonceBytes),
                bytes.AsSpan(NonceBytes + TagBytes, plain.Length),
                bytes.AsSpan(NonceBytes, TagBytes),
                plain,
                Encoding.UTF8.GetBytes(place)
            );
            return Encoding.UTF8.GetString(plain);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}
