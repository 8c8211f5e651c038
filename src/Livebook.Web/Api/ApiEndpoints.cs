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

    private static void Map(RouteGroupBuilder api, string route, string summary, Func<ApiContext, RouteValueDictionary, Task> handler, ApiOperation operation)
    {
        var (method, pattern) = route.Split(' ') is [var verb, var path] ? (verb, path) : throw new ArgumentException("a verb and a path", nameof(route));
        api.MapMethods(
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
            )
            .WithSummary(summary)
            .WithMetadata(operation);
    }
}
