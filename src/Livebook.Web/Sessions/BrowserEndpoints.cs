using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Serialization;
using Livebook.Core.Notebooks;
using Livebook.Server.Attachments;
using Livebook.Server.Files;
using Livebook.Server.Sessions;
using Livebook.Web.Configuration;
using Livebook.Web.Files;
using Livebook.Web.Hosting;
using SessionDirectory = Livebook.Server.Sessions.Sessions;

namespace Livebook.Web.Sessions;

/// <summary>What the page asks besides its socket: opening, uploading, downloading, files. Signed in by cookie; programs use <c>/api</c>.</summary>
internal static class BrowserEndpoints
{
    public static void MapBrowser(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/ui/sessions", OpenAsync);
        routes.MapPost("/ui/upload", UploadAsync);
        routes.MapGet("/ui/files", ListAsync);
        routes.MapDelete("/ui/sessions/{id}", CloseAsync);
        routes.MapPost("/ui/sessions/{id}/fork", ForkAsync);
        routes.MapPut("/ui/sessions/{id}/file", AttachAsync);
        routes.MapPut("/ui/sessions/{id}/files/{name}", PutFileAsync);
        routes.MapMethods("/sessions/{id}/files/{name}", [HttpMethods.Get, HttpMethods.Head], FileAsync);
        routes.MapGet("/sessions/{id}/blobs/{hash}", BlobAsync);
        routes.MapGet("/sessions/{id}/download", DownloadAsync);
    }

    private static async Task OpenAsync(HttpContext context, SessionDirectory sessions, CancellationToken stop)
    {
        var request = await context.Request.ReadFromJsonAsync(BrowserJson.Default.OpenRequest, stop) ?? new OpenRequest();
        var opened = request switch
        {
            { Path: { } path } => await sessions.OpenFileAsync(request.Node, path, null, stop),
            { Source: { } source } => await sessions.ImportAsync(request.Name ?? "notebook.livemd", Encoding.UTF8.GetBytes(source), null, stop),
            _ => await sessions.CreateAsync(NewNotebook.Make(request.Name), [], null, stop),
        };
        await WriteAsync(context, opened, stop);
    }

    private static async Task UploadAsync(
        HttpContext context,
        string name,
        SessionDirectory sessions,
        LivebookConfiguration configuration,
        CancellationToken stop
    )
    {
        var limit = configuration.Limits.NotebookBytes;
        using var content = new MemoryStream();
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = await context.Request.Body.ReadAsync(buffer, stop)) > 0)
        {
            if (content.Length + read > limit)
            {
                await Problems.WriteAsync(
                    context,
                    StatusCodes.Status413PayloadTooLarge,
                    "too-large",
                    $"A notebook of at most {limit / 1048576} MB can be opened. Raise LIVEBOOK_NOTEBOOK_LIMIT_BYTES for more."
                );
                return;
            }
            content.Write(buffer, 0, read);
        }
        await WriteAsync(context, await sessions.ImportAsync(Path.GetFileName(name), content.ToArray(), null, stop), stop);
    }

    private static Task WriteAsync(HttpContext context, OpenedSession opened, CancellationToken stop)
    {
        context.Response.StatusCode = opened.Existing ? StatusCodes.Status200OK : StatusCodes.Status201Created;
        var answer = new OpenAnswer(opened.Id, $"{context.Request.PathBase}/sessions/{opened.Id}", opened.Warnings);
        return context.Response.WriteAsJsonAsync(answer, BrowserJson.Default.OpenAnswer, cancellationToken: stop);
    }

    private static async Task ListAsync(HttpContext context, SessionDirectory sessions, string? path, string? node, CancellationToken stop)
    {
        var (owner, listing) = await sessions.ListFilesAsync(node, path, stop);
        var open = sessions.List().Where(session => session.File is not null).ToLookup(session => session.File!, session => session.Id);
        var entries = listing.Entries.Select(entry => new FileAnswer(
            entry.Name,
            entry.Kind.ToString().ToLowerInvariant(),
            entry.Size,
            entry.ModifiedAt,
            open[Path.Combine(listing.Path, entry.Name)].FirstOrDefault()
        ));
        await context.Response.WriteAsJsonAsync(
            new FilesAnswer(owner, listing.Path, listing.Parent, [.. entries]),
            BrowserJson.Default.FilesAnswer,
            cancellationToken: stop
        );
    }

    private static async Task<IResult> CloseAsync(string id, SessionDirectory sessions, CancellationToken stop)
    {
        await sessions.CloseAsync(id, stop);
        return Results.NoContent();
    }

    private static async Task ForkAsync(HttpContext context, string id, SessionDirectory sessions, Attachments attachments, CancellationToken stop)
    {
        var source = await sessions.QueryAsync(id, "notebook", ImmutableDictionary<string, string>.Empty.Add("format", "livemd"), stop);
        var name = sessions.Find(id)?.Name ?? Notebook.DefaultName;
        var opened = await sessions.ForkAsync(source.Body, $"{name} - fork", stop);
        await attachments.CopyAsync(id, opened.Id, stop);
        await WriteAsync(context, opened, stop);
    }

    private static async Task AttachAsync(HttpContext context, string id, SessionDirectory sessions, CancellationToken stop)
    {
        var request = await context.Request.ReadFromJsonAsync(BrowserJson.Default.AttachRequest, stop) ?? new AttachRequest();
        if (request.Path is not { Length: > 0 } path)
        {
            var reply = await sessions.SubmitAsync(id, new Livebook.Core.Sessions.ClientOperation.SetFile(null), null, null, stop);
            if (reply.Error is { } error)
                await Problems.WriteAsync(context, StatusCodes.Status422UnprocessableEntity, "refused", error);
            else
                context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        var attached = await sessions.AttachAsync(id, request.Node, path, request.Overwrite, stop);
        switch (attached.Kind)
        {
            case null:
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                break;
            case "exists":
                await Problems.WriteAsync(context, StatusCodes.Status409Conflict, "file-exists", attached.Message!);
                break;
            case "in_use":
                await Problems.WriteAsync(context, StatusCodes.Status409Conflict, "file-in-use", attached.Message!, session: attached.Session);
                break;
            default:
                await Problems.WriteAsync(context, StatusCodes.Status422UnprocessableEntity, "refused", attached.Message ?? "The file cannot be used.");
                break;
        }
    }

    private static async Task<IResult> PutFileAsync(HttpContext context, string id, string name, Attachments attachments, CancellationToken stop)
    {
        var put = await AttachmentAnswers.PutAsync(context, attachments, id, name, null, stop);
        return Results.Text(
            $"{{\"version\":{put.Version}}}",
            "application/json",
            statusCode: put.Existed ? StatusCodes.Status200OK : StatusCodes.Status201Created
        );
    }

    private static async Task<IResult> FileAsync(
        HttpContext context,
        string id,
        string name,
        Attachments attachments,
        bool save = false,
        CancellationToken stop = default
    )
    {
        if (await attachments.FindAsync(id, name, stop) is { } file)
            return AttachmentAnswers.Content(context, attachments, id, file, save);
        await Problems.WriteAsync(context, StatusCodes.Status404NotFound, "file-not-found", $"The notebook has no file {name}.");
        return Results.Empty;
    }

    private static async Task BlobAsync(HttpContext context, string id, string hash, SessionDirectory sessions, CancellationToken stop)
    {
        var blob = await sessions.QueryAsync(id, "blob", ImmutableDictionary<string, string>.Empty.Add("hash", hash), stop);
        if (blob.ContentType is not { } type)
        {
            await Problems.WriteAsync(context, StatusCodes.Status404NotFound, "output-not-found", Encoding.UTF8.GetString(blob.Body));
            return;
        }
        // What code has put out is never a page of ours, whatever it says it is.
        context.Response.ContentType = type.StartsWith("image/", StringComparison.Ordinal) ? type : $"text/plain; charset=utf-8";
        context.Response.Headers.ContentSecurityPolicy = "sandbox; default-src 'none'";
        context.Response.Headers.CacheControl = "private, max-age=31536000, immutable";
        context.Response.ContentLength = blob.Body.Length;
        await context.Response.Body.WriteAsync(blob.Body, stop);
    }

    private static async Task<IResult> DownloadAsync(
        string id,
        SessionDirectory sessions,
        string format = "livemd",
        bool outputs = false,
        CancellationToken stop = default
    )
    {
        var parameters = ImmutableDictionary<string, string>.Empty.Add("format", format).Add("outputs", outputs ? "true" : "false");
        var file = await sessions.QueryAsync(id, "notebook", parameters, stop);
        if (file.ContentType is not { } type || format == "json")
            return Results.NotFound();
        var summary = sessions.Find(id);
        return Results.File(file.Body, type, $"{DownloadName.Of(summary?.File, summary?.Name)}.{format}");
    }
}

internal sealed record OpenRequest(string? Path = null, string? Node = null, string? Source = null, string? Name = null);

internal sealed record OpenAnswer(string Id, string Url, ImmutableArray<string> Warnings);

internal sealed record AttachRequest(string? Path = null, string? Node = null, bool Overwrite = false);

internal sealed record FilesAnswer(string Node, string Path, string? Parent, ImmutableArray<FileAnswer> Entries);

internal sealed record FileAnswer(string Name, string Kind, long Size, DateTimeOffset ModifiedAt, string? Session);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(OpenRequest))]
[JsonSerializable(typeof(OpenAnswer))]
[JsonSerializable(typeof(AttachRequest))]
[JsonSerializable(typeof(FilesAnswer))]
internal sealed partial class BrowserJson : JsonSerializerContext;
