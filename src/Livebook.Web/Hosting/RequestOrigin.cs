using System.Globalization;
using System.Net;
using Livebook.Web.Configuration;
using Microsoft.AspNetCore.HttpOverrides;

namespace Livebook.Web.Hosting;

/// <summary>Where a request really came from and was sent to: trusted proxy headers, the base path, the redirect to https.</summary>
internal static class RequestOrigin
{
    /// <summary>Addresses that answer without the base path: a probe asks the node, not the site.</summary>
    private static readonly string[] Unprefixed = ["/live", "/ready"];

    /// <summary>Believes the headers of LIVEBOOK_PROXY_HEADERS, from whoever sent them, and no others.</summary>
    public static void UseProxyHeaders(this IApplicationBuilder app, LivebookConfiguration configuration)
    {
        var headers = configuration.ProxyHeaders;
        var which =
            (headers.Contains("x-forwarded-for") ? ForwardedHeaders.XForwardedFor : 0)
            | (headers.Contains("x-forwarded-host") ? ForwardedHeaders.XForwardedHost : 0)
            | (headers.Contains("x-forwarded-proto") ? ForwardedHeaders.XForwardedProto : 0);
        if (which != 0)
        {
            var options = new ForwardedHeadersOptions { ForwardedHeaders = which };
            options.KnownIPNetworks.Clear();
            options.KnownProxies.Clear();
            app.UseForwardedHeaders(options);
        }
        if (headers.Contains("x-forwarded-port"))
        {
            app.Use(
                (context, next) =>
                {
                    if (
                        int.TryParse(context.Request.Headers["X-Forwarded-Port"], NumberStyles.None, CultureInfo.InvariantCulture, out var port)
                        && port is > 0 and < 65_536
                    )
                        context.Request.Host =
                            port == (context.Request.IsHttps ? 443 : 80)
                                ? new HostString(context.Request.Host.Host)
                                : new HostString(context.Request.Host.Host, port);
                    return next(context);
                }
            );
        }
    }

    /// <summary>Takes the base path off; what is outside of it is not ours.</summary>
    public static void UseBasePath(this IApplicationBuilder app, LivebookConfiguration configuration) =>
        app.Use(
            (context, next) =>
            {
                var path = context.Request.Path;
                var prefix = IsPublic(path, configuration) ? configuration.PublicBasePath : configuration.BasePath;
                if (prefix.Length > 0 && path.StartsWithSegments(prefix, StringComparison.Ordinal, out var rest))
                {
                    context.Request.PathBase = prefix;
                    context.Request.Path = rest.HasValue ? rest : "/";
                }
                else if (prefix.Length > 0 && !Unprefixed.Contains(path.Value, StringComparer.Ordinal))
                {
                    context.Response.StatusCode = StatusCodes.Status404NotFound;
                    return Task.CompletedTask;
                }
                return next(context);
            }
        );

    private static bool IsPublic(PathString path, LivebookConfiguration configuration) =>
        path.StartsWithSegments($"{configuration.PublicBasePath}/public", StringComparison.Ordinal);

    /// <summary>Sends browsers to https://LIVEBOOK_FORCE_SSL_HOST; requests from this machine and probes are answered as they are.</summary>
    public static void UseForcedSsl(this IApplicationBuilder app, LivebookConfiguration configuration)
    {
        if (configuration.ForceSslHost is not { } host)
            return;
        app.Use(
            (context, next) =>
            {
                var request = context.Request;
                var right = request.IsHttps && string.Equals(request.Host.Host, host, StringComparison.OrdinalIgnoreCase);
                if (
                    right
                    || IsLocal(request.Host.Host)
                    || Unprefixed.Contains(request.Path.Value, StringComparer.Ordinal)
                    || request.Path.StartsWithSegments("/public", StringComparison.Ordinal)
                )
                    return next(context);
                context.Response.Redirect($"https://{host}{request.PathBase}{request.Path}{request.QueryString}", permanent: true, preserveMethod: true);
                return Task.CompletedTask;
            }
        );
    }

    private static bool IsLocal(string host) =>
        host is "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    /// <summary>What every answer says about itself (Z5).</summary>
    public static void UseSafeHeaders(this IApplicationBuilder app) =>
        app.Use(
            (context, next) =>
            {
                var headers = context.Response.Headers;
                headers.XContentTypeOptions = "nosniff";
                headers["Referrer-Policy"] = "same-origin";
                if (headers.ContentSecurityPolicy.Count == 0)
                    headers.ContentSecurityPolicy = "frame-ancestors 'self'";
                return next(context);
            }
        );
}
