using Microsoft.AspNetCore.Http;

namespace Livebook.Web.Auth;

/// <summary>
/// Whether a request that changes something, or opens a socket, comes from our own page. Browsers name the page's origin on every one of them;
/// a request without the header does not come from a browser, and has no cookie that it did not bring itself.
/// </summary>
internal static class OriginCheck
{
    public static bool Passes(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        if (origin.Length == 0)
            return true;
        // Only host and port: behind a proxy that ends TLS, and is not trusted with X-Forwarded-Proto, the scheme differs.
        return Uri.TryCreate(origin, UriKind.Absolute, out var uri)
            && string.Equals(uri.Authority, WithoutDefaultPort(request.Host, uri), StringComparison.OrdinalIgnoreCase);
    }

    private static string WithoutDefaultPort(HostString host, Uri origin)
    {
        var standard = origin.Scheme == Uri.UriSchemeHttps ? 443 : 80;
        return host.Port == standard ? host.Host : host.Value ?? "";
    }
}
