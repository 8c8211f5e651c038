using Livebook.Server.Attachments;
using Livebook.Web.Configuration;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Net.Http.Headers;

namespace Livebook.Web.Files;

/// <summary>Files of notebooks over HTTP, the same for pages and programs: streamed both ways, with ranges, and never a page of ours.</summary>
internal static class AttachmentAnswers
{
    private static readonly FileExtensionContentTypeProvider Types = new();

    /// <summary>Types that a browser may show; it is offered everything else to save.</summary>
    private static readonly string[] Shown = ["image/", "audio/", "video/", "text/plain", "text/csv", "application/json"];

    /// <summary>By the name's extension; text is UTF-8.</summary>
    public static string ContentTypeOf(string name)
    {
        var type = Types.TryGetContentType(name, out var known) ? known : "application/octet-stream";
        return type.StartsWith("text/", StringComparison.Ordinal) ? $"{type}; charset=utf-8" : type;
    }

    /// <summary>The content, or the range of it that is asked for; 304 when the asker has it.</summary>
    public static IResult Content(HttpContext context, Attachments attachments, string session, StoredAttachment attachment, bool save)
    {
        var type = ContentTypeOf(attachment.Name);
        var headers = context.Response.Headers;
        // What somebody has uploaded may be any markup: it gets no scripts, no cookies and no origin.
        headers.ContentSecurityPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";
        // Under one name there may be another content next time.
        headers.CacheControl = "private, no-cache";
        var shown = !save && Array.Exists(Shown, prefix => type.StartsWith(prefix, StringComparison.Ordinal));
        return Results.Stream(
            attachments.Open(session, attachment),
            type,
            shown ? null : attachment.Name,
            attachment.StoredAt,
            new EntityTagHeaderValue($"\"{attachment.Hash}\""),
            enableRangeProcessing: true
        );
    }

    /// <summary>Stores the request's body.</summary>
    public static Task<PutAttachment> PutAsync(HttpContext context, Attachments attachments, string session, string name, string? user, CancellationToken stop)
    {
        var limit = context.RequestServices.GetRequiredService<LivebookConfiguration>().UploadBytes;
        // The store counts by itself, and says which variable to raise.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        return attachments.PutAsync(session, name, context.Request.Body, context.Request.ContentLength, limit, user, stop);
    }
}
