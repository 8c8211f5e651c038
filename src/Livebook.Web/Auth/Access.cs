using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Livebook.Web.Configuration;
using Microsoft.AspNetCore.Http;

namespace Livebook.Web.Auth;

/// <summary>Who may come in: people with the token or password (then by a signed cookie), programs with a key.</summary>
public sealed class Access
{
    private static readonly TimeSpan CookieLife = TimeSpan.FromDays(30);

    /// <summary>With what cookies are signed, and what counts as the token or password: the present ones, then those before a change of the secret.</summary>
    private readonly ImmutableArray<(byte[] CookieKey, string Credential)> _accepted;
    private readonly string? _apiKey;
    private readonly TimeProvider _time;

    public Access(LivebookConfiguration configuration, TimeProvider time)
    {
        Mode = configuration.Auth;
        _time = time;
        _apiKey = configuration.ApiKey;
        _accepted =
        [
            .. new[] { configuration.SecretKeyBase, configuration.SecretKeyBasePrevious }
                .OfType<string>()
                .Select(secret => new Keys(secret))
                .Select(keys => (keys.Derive("session-cookie"), CredentialOf(configuration, keys))),
        ];
        Token = Mode == AuthMode.Token ? _accepted[0].Credential : null;
    }

    private static string CredentialOf(LivebookConfiguration configuration, Keys keys) =>
        configuration.Auth switch
        {
            AuthMode.Token => keys.AccessToken(),
            AuthMode.Password => configuration.Password!,
            _ => "",
        };

    public AuthMode Mode { get; }

    /// <summary>The access token, when that is how people get in.</summary>
    public string? Token { get; }

    /// <summary>Whether this is the token or password. Takes the same time for every wrong one.</summary>
    public bool Accepts(string credential) => _accepted.Aggregate(false, (found, accepted) => found | Same(credential, accepted.Credential));

    /// <summary>Whether this is a key for the API: the token, the password or LIVEBOOK_API_KEY.</summary>
    public bool AcceptsKey(string key)
    {
        var credential = Mode != AuthMode.None && Accepts(key);
        var api = _apiKey is not null && Same(key, _apiKey);
        return credential || api;
    }

    private static bool Same(string left, string right) =>
        CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(left)), SHA256.HashData(Encoding.UTF8.GetBytes(right)));

    /// <summary>Whether the request carries a valid cookie, or none is needed.</summary>
    public bool IsSignedIn(HttpRequest request)
    {
        if (Mode == AuthMode.None)
            return true;
        if (!request.Cookies.TryGetValue(CookieName(request), out var cookie) || cookie.Split('.') is not [var expires, var mac])
            return false;
        return long.TryParse(expires, out var seconds)
            && DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(seconds, 0, 253_402_300_799)) > _time.GetUtcNow()
            && _accepted.Any(accepted => Same(mac, Sign(expires, accepted)));
    }

    /// <summary>Lets the browser in from now on.</summary>
    public void SignIn(HttpContext context)
    {
        var expires = (_time.GetUtcNow() + CookieLife).ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture);
        context.Response.Cookies.Append(CookieName(context.Request), $"{expires}.{Sign(expires, _accepted[0])}", Options(context.Request, CookieLife));
    }

    public void SignOut(HttpContext context) => context.Response.Cookies.Delete(CookieName(context.Request), Options(context.Request, null));

    /// <summary>Cookies do not separate ports, so the port that the browser sees is part of the name; it is the same for every node behind one address.</summary>
    private static string CookieName(HttpRequest request) => request.Host.Port is { } port ? $"livebook_session_{port}" : "livebook_session";

    /// <summary>The credential is part of what is signed: another password ends every session.</summary>
    private string Sign(string expires, (byte[] CookieKey, string Credential) by) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(by.CookieKey, Encoding.UTF8.GetBytes($"{Mode}\n{by.Credential}\n{expires}")));

    private static CookieOptions Options(HttpRequest request, TimeSpan? life) =>
        new()
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Lax,
            Secure = request.IsHttps,
            Path = request.PathBase.HasValue ? request.PathBase.Value : "/",
            MaxAge = life,
        };
}
