using System.Text.Json.Nodes;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Server.Attachments;
using Livebook.Web.Files;

namespace Livebook.Web.Api;

/// <summary>Files kept with a notebook.</summary>
internal static class FilesApi
{
    public static async Task ListAsync(ApiContext api, RouteValueDictionary route)
    {
        var session = Session(route);
        var files = await Of(api).ListAsync(session, api.Stop);
        await api.WriteAsync(new JsonArray([.. files.Select(file => Described(api, session, file))]));
    }

    private static JsonObject Described(ApiContext api, string session, StoredAttachment file) =>
        new()
        {
            ["name"] = file.Name,
            ["size"] = file.Size,
            ["hash"] = file.Hash,
            ["contentType"] = AttachmentAnswers.ContentTypeOf(file.Name),
            ["storedAt"] = file.StoredAt,
            ["url"] = api.Url($"/api/v1/sessions/{session}/files/{file.Name}"),
        };

    public static async Task GetAsync(ApiContext api, RouteValueDictionary route)
    {
        var session = Session(route);
        var file = await Of(api).FindAsync(session, Name(route), api.Stop) ?? throw Missing(route);
        await AttachmentAnswers.Content(api.Http, Of(api), session, file, save: false).ExecuteAsync(api.Http);
    }

    public static async Task PutAsync(ApiContext api, RouteValueDictionary route)
    {
        var session = Session(route);
        var name = SoundName(Name(route));
        var put = await AttachmentAnswers.PutAsync(api.Http, Of(api), session, name, ApiContext.User, api.Stop);
        var body = Described(api, session, new StoredAttachment(put.Name, put.Hash, put.Size, default));
        body.Remove("storedAt");
        body["version"] = put.Version;
        await api.WriteAsync(body, put.Existed ? StatusCodes.Status200OK : StatusCodes.Status201Created);
    }

    public static async Task RenameAsync(ApiContext api, RouteValueDictionary route)
    {
        var patch = await api.ReadAsync(ApiRequestJson.Default.FilePatch);
        _ = await Of(api).FindAsync(Session(route), Name(route), api.Stop) ?? throw Missing(route);
        await api.WriteVersionAsync(await api.SubmitAsync(Session(route), new ClientOperation.RenameAttachment(Name(route), SoundName(patch.Name))));
    }

    public static async Task DeleteAsync(ApiContext api, RouteValueDictionary route)
    {
        _ = await Of(api).FindAsync(Session(route), Name(route), api.Stop) ?? throw Missing(route);
        await api.WriteVersionAsync(await api.SubmitAsync(Session(route), new ClientOperation.DeleteAttachment(Name(route))));
    }

    private static string SoundName(string name) => FileEntries.FaultOf(name) is { } fault ? throw ApiContext.Bad("name", fault) : name;

    private static ApiProblemException Missing(RouteValueDictionary route) =>
        new(StatusCodes.Status404NotFound, "file-not-found", $"The notebook has no file {Name(route)}.");

    private static Attachments Of(ApiContext api) => api.Http.RequestServices.GetRequiredService<Attachments>();

    private static string Session(RouteValueDictionary route) => (string)route["id"]!;

    private static string Name(RouteValueDictionary route) => (string)route["name"]!;
}
