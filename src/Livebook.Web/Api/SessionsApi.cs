using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Core.Wire;
using Livebook.Server.Sessions;

namespace Livebook.Web.Api;

/// <summary>Sessions, their notebooks and runtimes.</summary>
internal static class SessionsApi
{
    private const int PageSize = 100;
    private const int MaximumPageSize = 1_000;

    public static Task ListAsync(ApiContext api, RouteValueDictionary route)
    {
        var query = api.Http.Request.Query;
        var limit = PageSize;
        if (
            query["limit"].ToString() is { Length: > 0 } text
            && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > MaximumPageSize)
        )
            throw ApiContext.Bad("limit", $"must be 1 to {MaximumPageSize}");
        IEnumerable<SessionSummary> sessions = api.Sessions.List();
        if (query["cursor"].ToString() is { Length: > 0 } cursor)
        {
            if (cursor.Split('_', 2) is not [var ticks, var id] || !long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var after))
                throw ApiContext.Bad("cursor", "must be one that a Link header gave");
            sessions = sessions.SkipWhile(session =>
                session.CreatedAt.UtcTicks < after || (session.CreatedAt.UtcTicks == after && string.CompareOrdinal(session.Id, id) <= 0)
            );
        }
        var page = sessions.Take(limit + 1).ToArray();
        if (page.Length > limit)
        {
            var last = page[limit - 1];
            api.Http.Response.Headers.Link = $"<{api.Url($"/api/v1/sessions?limit={limit}&cursor={last.CreatedAt.UtcTicks}_{last.Id}")}>; rel=\"next\"";
        }
        return api.WriteAsync(new JsonArray([.. page.Take(limit).Select(session => SummaryOf(api, session))]));
    }

    private static JsonObject SummaryOf(ApiContext api, SessionSummary session) =>
        new()
        {
            ["id"] = session.Id,
            ["name"] = session.Name,
            ["file"] = session.File,
            ["node"] = session.Node,
            ["standby"] = session.Standby,
            ["epoch"] = session.Epoch,
            ["version"] = session.Version,
            ["clients"] = session.Clients,
            ["runtime"] = new JsonObject { ["status"] = session.Runtime, ["memoryBytes"] = session.MemoryBytes },
            ["createdAt"] = session.CreatedAt,
            ["url"] = api.Url($"/sessions/{session.Id}"),
        };

    public static async Task CreateAsync(ApiContext api, RouteValueDictionary route)
    {
        var request = await api.ReadAsync(ApiRequestJson.Default.SessionRequest);
        var opened = request switch
        {
            { File: not null, Source: not null } => throw ApiContext.Bad("file", "cannot be given together with source"),
            { File: { } file } => await api.Sessions.OpenFileAsync(request.Node, file, api.Key, api.Stop),
            { Source: { } source } => await api.Sessions.ImportAsync(FileNameFor(request), Encoding.UTF8.GetBytes(source), api.Key, api.Stop),
            _ => await api.Sessions.CreateAsync(NewNotebook.Make(request.Name), [], api.Key, api.Stop),
        };
        var session = await SessionOf(api, opened.Id);
        session["warnings"] = new JsonArray([.. opened.Warnings.Select(warning => JsonValue.Create(warning))]);
        api.Http.Response.Headers.Location = api.Url($"/api/v1/sessions/{opened.Id}");
        // The first answer to a key is the answer to every request with it; a file that somebody had open is not made.
        var made = !opened.Existing || (api.Key is not null && request.File is null);
        await api.WriteAsync(session, made ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    private static string FileNameFor(SessionRequest request)
    {
        var format = request.Format ?? "livemd";
        if (format is not ("livemd" or "ipynb"))
            throw ApiContext.Bad("format", $"must be livemd or ipynb, found {format}");
        return $"{request.Name ?? "notebook"}.{format}";
    }

    private static async Task<JsonObject> SessionOf(ApiContext api, string id)
    {
        var session = await api.ReadAsync(id, "session");
        session["url"] = api.Url($"/sessions/{id}");
        return session;
    }

    public static async Task GetAsync(ApiContext api, RouteValueDictionary route) => await api.WriteAsync(await SessionOf(api, Id(route)));

    public static async Task PatchAsync(ApiContext api, RouteValueDictionary route)
    {
        var id = Id(route);
        var patch = await api.ReadAsync(ApiRequestJson.Default.SessionPatch);
        if (patch.Name is { } name)
            await api.SubmitAsync(id, new ClientOperation.RenameNotebook(name));
        if (patch.AutosaveSeconds is not null || patch.PersistOutputs is not null || patch.DefaultLanguage is not null)
            await api.SubmitAsync(id, new ClientOperation.SetNotebook(patch.PersistOutputs, patch.AutosaveSeconds, patch.DefaultLanguage));
        if (patch.File is { Length: 0 })
            await api.SubmitAsync(id, new ClientOperation.SetFile(null));
        else if (patch.File is { } file)
        {
            var attached = await api.Sessions.AttachAsync(id, patch.Node, file, patch.Overwrite, api.Stop);
            if (attached.Kind is { } kind)
            {
                var status = kind is "exists" or "in_use" ? StatusCodes.Status409Conflict : StatusCodes.Status422UnprocessableEntity;
                throw new ApiProblemException(
                    status,
                    kind == "exists" ? "file-exists"
                        : kind == "in_use" ? "file-in-use"
                        : "refused",
                    attached.Message ?? "The file cannot be used.",
                    session: attached.Session
                );
            }
        }
        await api.WriteAsync(await SessionOf(api, id));
    }

    public static async Task DeleteAsync(ApiContext api, RouteValueDictionary route)
    {
        await api.Sessions.CloseAsync(Id(route), api.Stop);
        api.Http.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    public static async Task NotebookAsync(ApiContext api, RouteValueDictionary route)
    {
        var query = api.Http.Request.Query;
        var format = query["format"].ToString() is { Length: > 0 } asked ? asked : FormatOf(api.Http.Request.Headers.Accept.ToString());
        if (format is not ("json" or "livemd" or "ipynb"))
            throw ApiContext.Bad("format", $"must be json, livemd or ipynb, found {format}");
        var parameters = ImmutableDictionary<string, string>.Empty.Add("format", format).Add("outputs", query["outputs"].ToString());
        var reply = await api.Sessions.QueryAsync(Id(route), "notebook", parameters, api.Stop);
        var response = api.Http.Response;
        var tag = $"\"{reply.Version}\"";
        response.Headers.ETag = tag;
        response.Headers.Vary = "Accept";
        if (api.Http.Request.Headers.IfNoneMatch.Contains(tag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        response.ContentType = reply.ContentType!;
        response.ContentLength = reply.Body.Length;
        await response.Body.WriteAsync(reply.Body, api.Stop);
    }

    private static string FormatOf(string accept) =>
        accept.Contains("text/markdown", StringComparison.OrdinalIgnoreCase) ? "livemd"
        : accept.Contains("ipynb", StringComparison.OrdinalIgnoreCase) ? "ipynb"
        : "json";

    public static async Task SaveAsync(ApiContext api, RouteValueDictionary route)
    {
        var id = Id(route);
        // Autosave may be at it: that may have been begun before the last change.
        await api.Sessions.WaitUntilSavedAsync(id, api.Stop);
        await api.SubmitAsync(id, new ClientOperation.Save());
        await api.Sessions.WaitUntilSavedAsync(id, api.Stop);
        var file = await api.ReadAsync(id, "file");
        if (file["state"]!.GetValue<string>() is "failed" or "changed_outside" or "out_of_reach")
            throw new ApiProblemException(
                StatusCodes.Status422UnprocessableEntity,
                "not-saved",
                file["message"]?.GetValue<string>() ?? "The file could not be saved."
            );
        await api.WriteAsync(new JsonObject { ["file"] = file["path"]!.DeepClone(), ["savedAt"] = file["savedAt"]?.DeepClone() });
    }

    public static async Task RestartRuntimeAsync(ApiContext api, RouteValueDictionary route) =>
        await api.WriteVersionAsync(await api.SubmitAsync(Id(route), new ClientOperation.RestartRuntime()));

    public static async Task StopRuntimeAsync(ApiContext api, RouteValueDictionary route) =>
        await api.WriteVersionAsync(await api.SubmitAsync(Id(route), new ClientOperation.DisconnectRuntime()));

    private static string Id(RouteValueDictionary route) => (string)route["id"]!;
}
