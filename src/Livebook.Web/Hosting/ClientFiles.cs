using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Livebook.Web.Auth;
using Livebook.Web.Configuration;

namespace Livebook.Web.Hosting;

/// <summary>The browser's side: one page for every address, told by the server where it is.</summary>
internal sealed class ClientFiles
{
    private const string BootPlaceholder = "__BOOT__";
    private const string BasePlaceholder = "<base href=\"/\" />";

    /// <summary>Scripts only from us; outputs live in frames of their own origin. Mermaid and KaTeX set styles on elements.</summary>
    private const string PagePolicy =
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob: https: http:; font-src 'self' data:; connect-src 'self' ws: wss:; frame-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'";

    /// <summary>An output may load what it wants from the web, but has no origin: no cookies, no storage, no way to the page.</summary>
    private const string FramePolicy =
        "sandbox allow-scripts allow-forms allow-popups allow-downloads allow-modals; default-src * data: blob: 'unsafe-inline' 'unsafe-eval'; frame-ancestors 'self'";

    private readonly LivebookConfiguration _configuration;
    private readonly string _version;
    private readonly string _page;
    private readonly string _frame;

    public ClientFiles(LivebookConfiguration configuration, IWebHostEnvironment environment)
    {
        _configuration = configuration;
        _version = configuration.Cluster.Version;
        _page = Read(environment, "index.html");
        _frame = Read(environment, "frame.html");
    }

    private static string Read(IWebHostEnvironment environment, string name)
    {
        var file = environment.WebRootFileProvider.GetFileInfo(name);
        if (!file.Exists)
            return $"<!doctype html><title>Livebook</title><p>The client is not built: {name} is missing.</p>";
        using var reader = new StreamReader(file.CreateReadStream());
        return reader.ReadToEnd();
    }

    /// <summary>The page, whatever it is about to show.</summary>
    public IResult Page(HttpContext context, int status = StatusCodes.Status200OK)
    {
        var boot = new Boot(
            context.Request.PathBase.Value ?? "",
            _configuration.Cluster.Node,
            _version,
            _configuration.Auth switch
            {
                AuthMode.Token => "token",
                AuthMode.Password => "password",
                _ => "none",
            }
        );
        var json = JsonSerializer.Serialize(boot, BootJson.Default.Boot);
        var root = HtmlEncoder.Default.Encode($"{boot.BasePath}/");
        context.Response.Headers.ContentSecurityPolicy = PagePolicy;
        return Html(
            context,
            _page.Replace(BasePlaceholder, $"<base href=\"{root}\" />", StringComparison.Ordinal).Replace(BootPlaceholder, json, StringComparison.Ordinal),
            status
        );
    }

    /// <summary>The document of the frames in which outputs are shown.</summary>
    public IResult Frame(HttpContext context)
    {
        context.Response.Headers.ContentSecurityPolicy = FramePolicy;
        return Html(context, _frame, StatusCodes.Status200OK);
    }

    private static IResult Html(HttpContext context, string html, int status)
    {
        context.Response.Headers.CacheControl = "no-cache";
        return Results.Content(html, "text/html; charset=utf-8", statusCode: status);
    }
}

/// <summary>What the page is told when it starts.</summary>
internal sealed record Boot(string BasePath, string Node, string Version, string Auth);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Boot))]
internal sealed partial class BootJson : JsonSerializerContext;
