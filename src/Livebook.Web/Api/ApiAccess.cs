using System.Globalization;
using Livebook.Server.Settings;
using Livebook.Web.Auth;
using Livebook.Web.Configuration;
using Livebook.Web.Hosting;

namespace Livebook.Web.Api;

/// <summary>Lets programs in by <c>Authorization: Bearer KEY</c>. Cookies are not looked at, so no page of another site can use them.</summary>
internal sealed class ApiAccess(Access access, Settings settings, FailureLimit limit) : IEndpointFilter
{
    private const string Scheme = "Bearer ";

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        var context = invocation.HttpContext;
        if (access.Mode == AuthMode.None && OriginCheck.Passes(context.Request))
            return await next(invocation);
        var address = context.Connection.RemoteIpAddress;
        if (limit.Wait(address) is { } wait)
        {
            context.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            await Problems.WriteAsync(
                context,
                StatusCodes.Status429TooManyRequests,
                "too-many-failures",
                "Too many requests with a wrong key came from this address."
            );
            return Results.Empty;
        }
        var header = context.Request.Headers.Authorization.ToString();
        if (header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && Accepts(header[Scheme.Length..].Trim()))
            return await next(invocation);
        if (header.Length > 0)
            limit.Failed(address);
        context.Response.Headers.WWWAuthenticate = "Bearer realm=\"livebook\"";
        await Problems.WriteAsync(
            context,
            StatusCodes.Status401Unauthorized,
            "unauthorized",
            "Send \"Authorization: Bearer KEY\", where KEY is the access token, the password, the value of LIVEBOOK_API_KEY or a key made in the settings."
        );
        return Results.Empty;
    }

    private bool Accepts(string key) => access.AcceptsKey(key) || settings.AcceptsApiKey(key);
}
