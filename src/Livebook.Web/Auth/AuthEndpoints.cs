using System.Globalization;
using Livebook.Web.Configuration;
using Livebook.Web.Hosting;

namespace Livebook.Web.Auth;

/// <summary>Signing in and out.</summary>
internal static class AuthEndpoints
{
    public static void MapAuth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(
            "/authenticate",
            (HttpContext context, Access access, ClientFiles client) =>
                access.IsSignedIn(context.Request) ? Results.LocalRedirect(Home(context)) : client.Page(context)
        );
        routes.MapPost("/authenticate", AuthenticateAsync);
        routes.MapPost(
            "/logout",
            (HttpContext context, Access access) =>
            {
                access.SignOut(context);
                return Results.LocalRedirect($"{context.Request.PathBase}/authenticate");
            }
        );
        routes.MapGet("/ui/session", (HttpContext context, Access access) => access.IsSignedIn(context.Request) ? Results.NoContent() : Results.Unauthorized());
    }

    private static string Home(HttpContext context) => $"{context.Request.PathBase}/";

    private static async Task<IResult> AuthenticateAsync(HttpContext context, Access access, FailureLimit limit, CancellationToken stop)
    {
        if (!OriginCheck.Passes(context.Request) || !context.Request.HasFormContentType)
            return Results.StatusCode(StatusCodes.Status403Forbidden);
        var form = await context.Request.ReadFormAsync(stop);
        var target = LocalTarget(context, form["redirect_to"].ToString());
        var address = context.Connection.RemoteIpAddress;
        if (limit.Wait(address) is { } wait)
            return Again(context, target, $"Too many attempts. Try again in {Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture)} s.");
        var credential = form[access.Mode == AuthMode.Password ? "password" : "token"].ToString();
        if (!access.Accepts(credential))
        {
            limit.Failed(address);
            return Again(context, target, access.Mode == AuthMode.Password ? "That is not the password." : "That is not the token.");
        }
        access.SignIn(context);
        return Results.LocalRedirect(target);
    }

    private static IResult Again(HttpContext context, string target, string reason) =>
        Results.LocalRedirect($"{context.Request.PathBase}/authenticate?error={Uri.EscapeDataString(reason)}&redirect_to={Uri.EscapeDataString(target)}");

    /// <summary>Only a path of our own is gone to.</summary>
    internal static string LocalTarget(HttpContext context, string target) =>
        target.StartsWith('/')
        && !target.StartsWith("//", StringComparison.Ordinal)
        && !target.StartsWith("/\\", StringComparison.Ordinal)
        && !target.AsSpan().ContainsAny('\r', '\n')
            ? target
            : Home(context);
}
