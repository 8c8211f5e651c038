using Livebook.Web.Auth;

namespace Livebook.Web.Hosting;

/// <summary>Addresses that a person opens: one page answers them all.</summary>
internal static class PageRoutes
{
    /// <summary>Addresses that decide for themselves whom they answer.</summary>
    private static readonly string[] Open = ["/authenticate", "/logout", "/live", "/ready", "/frame.html", "/ui/session"];

    public static void MapPages(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/", (HttpContext context, ClientFiles client) => client.Page(context));
        routes.MapGet("/sessions/{id}", (HttpContext context, ClientFiles client) => client.Page(context));
        routes.MapGet("/cluster", (HttpContext context, ClientFiles client) => client.Page(context));
        routes.MapGet("/settings", (HttpContext context, ClientFiles client) => client.Page(context));
        routes.MapGet("/frame.html", (HttpContext context, ClientFiles client) => client.Frame(context));
        routes.MapFallback(
            async (HttpContext context, ClientFiles client) =>
            {
                if (HttpMethods.IsGet(context.Request.Method) && !context.Request.Path.StartsWithSegments("/api", StringComparison.Ordinal))
                    return client.Page(context, StatusCodes.Status404NotFound);
                await Problems.WriteAsync(
                    context,
                    StatusCodes.Status404NotFound,
                    "no-such-address",
                    $"There is nothing at {context.Request.Method} {context.Request.Path}."
                );
                return Results.Empty;
            }
        );
    }

    /// <summary>Lets in who has a cookie or brings the token in the address; shows everybody else the way to sign in.</summary>
    public static void UseSignIn(this WebApplication app)
    {
        app.Use(
            (context, next) =>
            {
                var access = context.RequestServices.GetRequiredService<Access>();
                var path = context.Request.Path;
                var open =
                    path.StartsWithSegments("/api", StringComparison.Ordinal)
                    || path.StartsWithSegments("/public", StringComparison.Ordinal)
                    || Open.Contains(path.Value, StringComparer.Ordinal);
                if (!open && context.Request.Query.TryGetValue("token", out var token) && access.Token is not null && HttpMethods.IsGet(context.Request.Method))
                    return SignInByAddress(context, access, token.ToString());
                if (open || access.IsSignedIn(context.Request))
                    return !open && ChangesSomething(context.Request) && !OriginCheck.Passes(context.Request)
                        ? Problems.WriteAsync(context, StatusCodes.Status403Forbidden, "forbidden", "The request does not come from this server's own page.")
                        : next(context);
                if (HttpMethods.IsGet(context.Request.Method) && context.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.Ordinal))
                {
                    var target = Uri.EscapeDataString($"{context.Request.PathBase}{path}{context.Request.QueryString}");
                    context.Response.Redirect($"{context.Request.PathBase}/authenticate?redirect_to={target}");
                    return Task.CompletedTask;
                }
                return Problems.WriteAsync(context, StatusCodes.Status401Unauthorized, "unauthorized", "Sign in first.");
            }
        );
    }

    private static bool ChangesSomething(HttpRequest request) => !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method);

    /// <summary>The token is taken off the address, so that it is not shared by accident with it.</summary>
    private static Task SignInByAddress(HttpContext context, Access access, string token)
    {
        var limit = context.RequestServices.GetRequiredService<FailureLimit>();
        var address = context.Connection.RemoteIpAddress;
        var rest = QueryString.Create(context.Request.Query.Where(entry => entry.Key != "token"));
        var target = AuthEndpoints.LocalTarget(context, $"{context.Request.PathBase}{context.Request.Path}{rest}");
        // Who is in already is not asked again: the token may be one of an older start.
        if (access.IsSignedIn(context.Request))
        {
            context.Response.Redirect(target);
            return Task.CompletedTask;
        }
        if (limit.Wait(address) is null && access.Accepts(token))
        {
            access.SignIn(context);
            context.Response.Redirect(target);
            return Task.CompletedTask;
        }
        limit.Failed(address);
        context.Response.Redirect(
            $"{context.Request.PathBase}/authenticate?error={Uri.EscapeDataString("That is not the token.")}&redirect_to={Uri.EscapeDataString(target)}"
        );
        return Task.CompletedTask;
    }
}
