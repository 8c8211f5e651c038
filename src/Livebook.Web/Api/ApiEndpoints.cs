using SessionDirectory = Livebook.Server.Sessions.Sessions;

namespace Livebook.Web.Api;

/// <summary>The door for scripts, CI and other tools: <c>/api/v1</c>.</summary>
internal static class ApiEndpoints
{
    public static void MapApi(this IEndpointRouteBuilder routes)
    {
        routes.MapOpenApi("/api/v1/openapi.json");
        var api = routes.MapGroup("/api/v1").AddEndpointFilter<ApiAccess>();
        api.MapGet("/cluster", ClusterApi.GetAsync)
            .WithSummary("The cluster as this node sees it")
            .WithMetadata(new ApiOperation("getCluster", "Cluster", null, typeof(ClusterAnswer), 200));
        api.MapPost("/cluster/promote", ClusterApi.PromoteAsync)
            .WithSummary("Ends read-only by an operator's word")
            .WithMetadata(new ApiOperation("promoteNode", "Cluster", null, typeof(ClusterAnswer), 200));
        api.MapPost("/cluster/drain", ClusterApi.DrainAsync)
            .WithSummary("Hands every session of this node to other nodes; answers when that is done")
            .WithMetadata(new ApiOperation("drainNode", "Cluster", null, typeof(ClusterAnswer), 200));
        MapSessions(api);
        MapSections(api);
        MapCells(api);
        MapEvaluations(api);
        MapEvents(api);
        MapFiles(api);
        MapSettings(api);
        MapSessionSecrets(api);
        // The page asks the same of the same node; signed in by its cookie.
        var page = routes.MapGroup("/ui");
        page.MapGet("/cluster", ClusterApi.GetAsync);
        page.MapPost("/cluster/promote", ClusterApi.PromoteAsync);
        MapSettings(page, described: false);
        MapSessionSecrets(page, described: false);
    }

    private static void MapSettings(RouteGroupBuilder api, bool described = true)
    {
        const string Tag = "Settings";
        Map(
            api,
            "GET /settings",
            "Secrets (without values), environment variables and API keys of all nodes",
            SettingsApi.GetAsync,
            new("getSettings", Tag, null, typeof(SettingsAnswer), 200),
            described
        );
        Map(
            api,
            "GET /settings/secrets/{name}",
            "One secret of the workspace with its value",
            SettingsApi.GetSecretAsync,
            new("getSecret", Tag, null, typeof(SecretAnswer), 200),
            described
        );
        Map(
            api,
            "PUT /settings/secrets/{name}",
            "Sets a secret of the workspace; sessions that may use it have it at once",
            SettingsApi.PutSecretAsync,
            new("setSecret", Tag, typeof(ValueRequest), null, 204),
            described
        );
        Map(
            api,
            "DELETE /settings/secrets/{name}",
            "Deletes a secret of the workspace",
            SettingsApi.DeleteSecretAsync,
            new("deleteSecret", Tag, null, null, 204),
            described
        );
        Map(
            api,
            "PUT /settings/environment/{name}",
            "Sets an environment variable for all notebooks; running ones have it at once",
            SettingsApi.PutVariableAsync,
            new("setVariable", Tag, typeof(ValueRequest), null, 204),
            described
        );
        Map(
            api,
            "DELETE /settings/environment/{name}",
            "Deletes an environment variable",
            SettingsApi.DeleteVariableAsync,
            new("deleteVariable", Tag, null, null, 204),
            described
        );
        Map(
            api,
            "POST /settings/api-keys",
            "Makes a key for this API; it is shown this once and holds on every node",
            SettingsApi.MakeKeyAsync,
            new("createApiKey", Tag, typeof(ApiKeyRequest), typeof(NewApiKeyAnswer), 201),
            described
        );
        Map(
            api,
            "DELETE /settings/api-keys/{key}",
            "Deletes a key: it lets nobody in any more",
            SettingsApi.DeleteKeyAsync,
            new("deleteApiKey", Tag, null, null, 204),
            described
        );
    }

    private static void MapSessionSecrets(RouteGroupBuilder api, bool described = true)
    {
        const string Tag = "Secrets";
        Map(
            api,
            "GET /sessions/{id}/secrets",
            "Names of the secrets that the session's code may use, as LB_NAME",
            SessionSecretsApi.ListAsync,
            new("listSessionSecrets", Tag, null, typeof(SessionSecretInfoAnswer[]), 200),
            described
        );
        Map(
            api,
            "GET /sessions/{id}/secrets/{name}",
            "One secret of the session itself with its value",
            SessionSecretsApi.GetAsync,
            new("getSessionSecret", Tag, null, typeof(SessionSecretAnswer), 200),
            described
        );
        Map(
            api,
            "PUT /sessions/{id}/secrets/{name}",
            "Sets a secret of the session, or lets its code use the workspace's secret of this name",
            SessionSecretsApi.PutAsync,
            new("setSessionSecret", Tag, typeof(SessionSecretRequest), typeof(VersionAnswer), 200),
            described
        );
        Map(
            api,
            "DELETE /sessions/{id}/secrets/{name}",
            "Deletes a secret of the session",
            SessionSecretsApi.DeleteAsync,
            new("deleteSessionSecret", Tag, null, typeof(VersionAnswer), 200),
            described
        );
    }

    private static void MapSessions(RouteGroupBuilder api)
    {
        const string Tag = "Sessions";
        Map(
            api,
            "GET /sessions",
            "All sessions of all nodes; the next page is in the Link header",
            SessionsApi.ListAsync,
            new("listSessions", Tag, null, typeof(SessionAnswer[]), 200)
            {
                Query = [new("limit", "Sessions of one page at most, 1 to 1000.", "integer"), new("cursor", "Place in the list, from a Link header.")],
            }
        );
        Map(
            api,
            "POST /sessions",
            "Opens a file, a source or a new notebook; a file that is open already gives its session, with 200",
            SessionsApi.CreateAsync,
            new("createSession", Tag, typeof(SessionRequest), typeof(SessionAnswer), 201, 200)
        );
        Map(api, "GET /sessions/{id}", "One session", SessionsApi.GetAsync, new("getSession", Tag, null, typeof(SessionAnswer), 200));
        Map(
            api,
            "PATCH /sessions/{id}",
            "Changes a session's name, file or settings",
            SessionsApi.PatchAsync,
            new("patchSession", Tag, typeof(SessionPatch), typeof(SessionAnswer), 200)
        );
        Map(api, "DELETE /sessions/{id}", "Closes a session; saves first", SessionsApi.DeleteAsync, new("closeSession", Tag, null, null, 204));
        Map(
            api,
            "GET /sessions/{id}/notebook",
            "The notebook, by Accept or format; its ETag is the session's version",
            SessionsApi.NotebookAsync,
            new("getNotebook", Tag, null, typeof(NotebookAnswer), 200, 304)
            {
                Query =
                [
                    new("format", "What is wanted, in place of Accept.", "string", "json", "livemd", "ipynb"),
                    new("outputs", "With the outputs.", "boolean"),
                ],
                OtherTypes = ["text/markdown", "application/x-ipynb+json"],
            }
        );
        Map(api, "POST /sessions/{id}/save", "Writes the file now", SessionsApi.SaveAsync, new("saveSession", Tag, null, typeof(SavedAnswer), 200));
        Map(
            api,
            "POST /sessions/{id}/runtime/restart",
            "Starts a fresh runtime",
            SessionsApi.RestartRuntimeAsync,
            new("restartRuntime", "Runtime", null, typeof(VersionAnswer), 200)
        );
        Map(
            api,
            "DELETE /sessions/{id}/runtime",
            "Stops the runtime",
            SessionsApi.StopRuntimeAsync,
            new("stopRuntime", "Runtime", null, typeof(VersionAnswer), 200)
        );
    }

    private static void MapSections(RouteGroupBuilder api)
    {
        const string Tag = "Sections";
        Map(
            api,
            "POST /sessions/{id}/sections",
            "Inserts a section",
            SectionsApi.CreateAsync,
            new("createSection", Tag, typeof(SectionRequest), typeof(CreatedAnswer), 201)
        );
        Map(
            api,
            "PATCH /sessions/{id}/sections/{section}",
            "Renames, moves or branches a section",
            SectionsApi.PatchAsync,
            new("patchSection", Tag, typeof(SectionRequest), typeof(VersionAnswer), 200)
        );
        Map(
            api,
            "DELETE /sessions/{id}/sections/{section}",
            "Deletes a section",
            SectionsApi.DeleteAsync,
            new("deleteSection", Tag, null, typeof(VersionAnswer), 200)
            {
                Query = [new("cells", "Its cells too; without it they go to the end of the previous section.", "boolean")],
            }
        );
    }

    private static void MapCells(RouteGroupBuilder api)
    {
        const string Tag = "Cells";
        Map(api, "POST /sessions/{id}/cells", "Inserts a cell", CellsApi.CreateAsync, new("createCell", Tag, typeof(CellRequest), typeof(CreatedAnswer), 201));
        Map(api, "GET /sessions/{id}/cells/{cell}", "One cell with its outputs", CellsApi.GetAsync, new("getCell", Tag, null, typeof(CellAnswer), 200));
        Map(
            api,
            "PATCH /sessions/{id}/cells/{cell}",
            "Changes a cell's text: all of it, parts of it, or more at its end",
            CellsApi.PatchAsync,
            new("patchCell", Tag, typeof(CellPatch), typeof(TextAnswer), 200)
        );
        Map(
            api,
            "POST /sessions/{id}/cells/{cell}/move",
            "Moves a cell by steps, or to a place",
            CellsApi.MoveAsync,
            new("moveCell", Tag, typeof(MoveRequest), typeof(VersionAnswer), 200)
        );
        Map(
            api,
            "DELETE /sessions/{id}/cells/{cell}",
            "Moves a cell to the bin",
            CellsApi.DeleteAsync,
            new("deleteCell", Tag, null, typeof(VersionAnswer), 200)
        );
        Map(
            api,
            "POST /sessions/{id}/cells/{cell}/restore",
            "Brings a cell back from the bin",
            CellsApi.RestoreAsync,
            new("restoreCell", Tag, null, typeof(VersionAnswer), 200)
        );
    }

    private static void MapEvaluations(RouteGroupBuilder api)
    {
        const string Tag = "Evaluations";
        Map(
            api,
            "POST /sessions/{id}/evaluations",
            "Evaluates cells, and what they need first; with wait, 200 when all are done or the time is over",
            EvaluationsApi.StartAsync,
            new("startEvaluations", Tag, typeof(EvaluationRequest), typeof(EvaluationsAnswer), 202, 200)
        );
        Map(
            api,
            "DELETE /sessions/{id}/evaluations",
            "Cancels everything",
            EvaluationsApi.CancelAllAsync,
            new("cancelEvaluations", Tag, null, typeof(VersionAnswer), 200)
        );
        Map(
            api,
            "DELETE /sessions/{id}/evaluations/{cell}",
            "Cancels one cell",
            EvaluationsApi.CancelAsync,
            new("cancelEvaluation", Tag, null, typeof(VersionAnswer), 200)
        );
    }

    private static void MapEvents(RouteGroupBuilder api) =>
        Map(
            api,
            "GET /sessions/{id}/events",
            "Follows a session by server-sent events",
            EventsApi.FollowAsync,
            new("followSession", "Events", null, null, 200)
            {
                RawType = "text/event-stream",
                Headers =
                [
                    new("Last-Event-ID", "Id of the last event that was seen: what came behind it comes first. Any node can go on, also after a fail-over."),
                ],
                Description =
                    "An id is a version of the session. It comes with the last event of each step, so that whoever resumes behind it misses no part of a step. "
                    + "`begin` comes first without Last-Event-ID: `{ version }`; what follows happened behind it. "
                    + "`resync`: `{ version, reason }`, in place of events that are not kept any more: read the session anew. "
                    + "`notebook`: `{ name, sections: [{ id, name, parent, cells }] }`. "
                    + "`cell`: `{ id, section, kind, language? }`, a cell that is new, or changed one of these. "
                    + "`cell_deleted`: `{ id }`. "
                    + "`text`: `{ cell, changes }`, one change set in CodeMirror's JSON form, on top of the revision before; or `{ cell, revision, length, source }`, "
                    + "the text set anew, `source` null above 64 KB. "
                    + "`evaluation`: `{ cell, status, validity, errored, evaluations, durationMs }`. "
                    + "`output`: `{ cell, id, kind }` with `text`, or `append` (more of a stream), or `data` by MIME type, where a value above 32 KB is `{ hash, size }`, and `error?`. "
                    + "`outputs_cleared`: `{ cell, kept }`. "
                    + "`runtime`: `{ status, node }`. `file`: `{ state, node, path }`. `files`: `{ files: [{ name, kind, size, hash }] }`. "
                    + "`closed`: `{ reason }`, the last one. A comment comes at least every 15 s.",
            }
        );

    private static void MapFiles(RouteGroupBuilder api)
    {
        const string Tag = "Files";
        Map(
            api,
            "GET /sessions/{id}/files",
            "The files kept with a notebook",
            FilesApi.ListAsync,
            new("listFiles", Tag, null, typeof(NotebookFileAnswer[]), 200)
        );
        Map(
            api,
            "GET /sessions/{id}/files/{name}",
            "The content of a file, or a range of it; its ETag is its SHA-256",
            FilesApi.GetAsync,
            new("getFile", Tag, null, null, 200, 206, 304)
            {
                RawType = "application/octet-stream",
                Headers =
                [
                    new("Range", "One range of bytes, e.g. `bytes=0-99` or `bytes=-100`; one that cannot be had is answered with 416."),
                    new("If-Range", "Answers with the range only if the ETag is still this one."),
                    new("If-None-Match", "Answers with 304 if the ETag is this one."),
                ],
                Description = "The content type follows from the extension.",
            }
        );
        Map(
            api,
            "HEAD /sessions/{id}/files/{name}",
            "The same without the content",
            FilesApi.GetAsync,
            new("headFile", Tag, null, null, 200),
            described: false
        );
        Map(
            api,
            "PUT /sessions/{id}/files/{name}",
            "Stores a file; the same name is replaced. 2xx: it is on two nodes, or on the disk of a lone one",
            FilesApi.PutAsync,
            new("putFile", Tag, null, typeof(NotebookFileAnswer), 201, 200) { RawBody = true }
        );
        Map(
            api,
            "PATCH /sessions/{id}/files/{name}",
            "Renames a file; one that has the name is replaced",
            FilesApi.RenameAsync,
            new("renameFile", Tag, typeof(FilePatch), typeof(VersionAnswer), 200)
        );
        Map(
            api,
            "DELETE /sessions/{id}/files/{name}",
            "Deletes a file, and its copy beside the notebook",
            FilesApi.DeleteAsync,
            new("deleteFile", Tag, null, typeof(VersionAnswer), 200)
        );
    }

    /// <param name="described">Whether the OpenAPI document has it.</param>
    private static void Map(
        RouteGroupBuilder api,
        string route,
        string summary,
        Func<ApiContext, RouteValueDictionary, Task> handler,
        ApiOperation operation,
        bool described = true
    )
    {
        var (method, pattern) = route.Split(' ') is [var verb, var path] ? (verb, path) : throw new ArgumentException("a verb and a path", nameof(route));
        var endpoint = api.MapMethods(
            pattern,
            [method],
            async (HttpContext http, SessionDirectory sessions, CancellationToken stop) =>
            {
                try
                {
                    await handler(new ApiContext(http, sessions, stop), http.Request.RouteValues);
                }
                catch (ApiProblemException problem)
                {
                    await problem.WriteAsync(http);
                }
                return Results.Empty;
            }
        );
        if (described)
            endpoint.WithSummary(summary).WithMetadata(operation);
    }
}
