using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Livebook.Cluster.Discovery;

/// <summary>Credentials of a role; <paramref name="Token"/> is null for those of a user.</summary>
internal sealed record AwsCredentials(string AccessKeyId, string SecretAccessKey, string? Token, DateTimeOffset Expiration)
{
    /// <summary>Never the secret.</summary>
    public override string ToString() => AccessKeyId;
}

/// <summary>Signs a request to AWS with the whole body in hand (Signature Version 4, by its public specification).</summary>
internal static class AwsSignature
{
    private const string Algorithm = "AWS4-HMAC-SHA256";

    /// <summary>Adds the headers that prove who asks. Every header that the request has by now, and the host, is signed.</summary>
    public static void Sign(HttpRequestMessage request, byte[] body, AwsCredentials credentials, string region, string service, DateTimeOffset now)
    {
        var uri = request.RequestUri!;
        var time = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        request.Headers.Add("X-Amz-Date", time);
        if (credentials.Token is { } token)
        {
            request.Headers.Add("X-Amz-Security-Token", token);
        }
        var headers = request
            .Headers.Concat(request.Content?.Headers.AsEnumerable() ?? [])
            .Where(header => !header.Key.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
            .Select(header => (Name: header.Key.ToLowerInvariant(), Value: string.Join(',', header.Value.Select(value => value.Trim()))))
            .Append((Name: "host", Value: uri.IsDefaultPort ? uri.Host : $"{uri.Host}:{uri.Port}"))
            .OrderBy(header => header.Name, StringComparer.Ordinal)
            .ToList();
        var names = string.Join(';', headers.Select(header => header.Name));
        var canonical = new StringBuilder($"{request.Method}\n{uri.AbsolutePath}\n{uri.Query.TrimStart('?')}\n");
        foreach (var (name, value) in headers)
        {
            canonical.Append(CultureInfo.InvariantCulture, $"{name}:{value}\n");
        }
        canonical.Append(CultureInfo.InvariantCulture, $"\n{names}\n{Convert.ToHexStringLower(SHA256.HashData(body))}");
        var scope = $"{time[..8]}/{region}/{service}/aws4_request";
        var text = $"{Algorithm}\n{time}\n{scope}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical.ToString())))}";
        var key = Encoding.UTF8.GetBytes($"AWS4{credentials.SecretAccessKey}");
        foreach (var part in scope.Split('/'))
        {
            key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        }
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text)));
        request.Headers.TryAddWithoutValidation(
            "Authorization",
            $"{Algorithm} Credential={credentials.AccessKeyId}/{scope}, SignedHeaders={names}, Signature={signature}"
        );
    }
}
