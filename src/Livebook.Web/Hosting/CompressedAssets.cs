namespace Livebook.Web.Hosting;

/// <summary>Sends the copy that the client's build compressed with brotli, where there is one and the browser takes it.</summary>
internal sealed class CompressedAssets(RequestDelegate next, IWebHostEnvironment environment)
{
    private static readonly Dictionary<string, string> Types = new(StringComparer.Ordinal)
    {
        [".js"] = "text/javascript",
        [".css"] = "text/css",
        [".svg"] = "image/svg+xml",
    };

    public Task InvokeAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        if (
            !Types.TryGetValue(Path.GetExtension(path), out var type)
            || !context.Request.Headers.AcceptEncoding.ToString().Contains("br", StringComparison.Ordinal)
        )
            return next(context);
        var file = environment.WebRootFileProvider.GetFileInfo($"{path}.br");
        if (!file.Exists)
            return next(context);
        var headers = context.Response.Headers;
        headers.ContentType = type;
        headers.ContentEncoding = "br";
        headers.Vary = "Accept-Encoding";
        headers.CacheControl = "public, max-age=31536000, immutable";
        headers.AccessControlAllowOrigin = "*";
        return context.Response.SendFileAsync(file, context.RequestAborted);
    }
}
