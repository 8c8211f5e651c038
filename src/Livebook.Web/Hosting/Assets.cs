using Microsoft.AspNetCore.StaticFiles;

namespace Livebook.Web.Hosting;

/// <summary>The client's files, open to everybody since the page for signing in needs them.</summary>
internal static class Assets
{
    /// <summary>Files whose names never change: the theme is applied before the first paint, and browsers ask for the icon by this name.</summary>
    private static readonly string[] Fixed = ["/theme.js", "/favicon.svg"];

    public static void UseAssets(this WebApplication app)
    {
        var types = new FileExtensionContentTypeProvider();
        types.Mappings[".woff2"] = "font/woff2";
        app.UseWhen(
            context => Fixed.Contains(context.Request.Path.Value, StringComparer.Ordinal),
            branch => branch.UseStaticFiles(new StaticFileOptions { OnPrepareResponse = file => file.Context.Response.Headers.CacheControl = "no-cache" })
        );
        // The names of the others carry a hash of their content, so browsers keep them for ever.
        app.UseWhen(
            context => context.Request.Path.StartsWithSegments("/assets", StringComparison.Ordinal),
            branch =>
            {
                branch.UseMiddleware<CompressedAssets>();
                branch.UseStaticFiles(
                    new StaticFileOptions
                    {
                        ContentTypeProvider = types,
                        OnPrepareResponse = file =>
                        {
                            var headers = file.Context.Response.Headers;
                            headers.CacheControl = "public, max-age=31536000, immutable";
                            // Output frames have no origin, and load their scripts from here.
                            headers.AccessControlAllowOrigin = "*";
                        },
                    }
                );
            }
        );
    }
}
