using SessionDirectory = Livebook.Server.Sessions.Sessions;

namespace Livebook.Web.Api;

/// <summary>The door for scripts, CI and other tools: <c>/api/v1</c>.</summary>
internal static class ApiEndpoints
{
    public static void MapApi(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api/v1").AddEndpointFilter<ApiAccess>();
        api.MapGet("/cluster", ClusterApi.GetAsync).WithSummary("The cluster as this node sees it");
        api.MapPost("/cluster/promote", ClusterApi.PromoteAsync).WithSummary("Ends read-only by an operator's word");

        Map(api, "GET", "/sessions", "All sessions of all nodes", SessionsApi.ListAsync);
        Map(api, "POST", "/sessions", "Opens a file, a source or a new notebook", SessionsApi.CreateAsync).Produces(201);
        Map(api, "GET", "/sessions/{id}", "One session", SessionsApi.GetAsync);
        Map(api, "PATCH", "/sessions/{id}", "Changes a session's name, file or settings", SessionsApi.PatchAsync);
        Map(api, "DELETE", "/sessions/{id}", "Closes a session; saves first", SessionsApi.DeleteAsync).Produces(204);
        Map(api, "GET", "/sessions/{id}/notebook", "The notebook as JSON, livemd or ipynb", SessionsApi.NotebookAsync);
        Map(api, "POST", "/sessions/{id}/save", "Writes the file now", SessionsApi.SaveAsync);
        Map(api, "POST", "/sessions/{id}/runtime/restart", "Starts a fresh runtime", SessionsApi.RestartRuntimeAsync);
        Map(api, "DELETE", "/sessions/{id}/runtime", "Stops the runtime", SessionsApi.StopRuntimeAsync);

        Map(api, "POST", "/sessions/{id}/sections", "Inserts a section", SectionsApi.CreateAsync).Produces(201);
        Map(api, "PATCH", "/sessions/{id}/sections/{section}", "Renames, moves or branches a section", SectionsApi.PatchAsync);
        Map(api, "DELETE", "/sessions/{id}/sections/{section}", "Deletes a section (?cells=true: its cells too)", SectionsApi.DeleteAsync);

        Map(api, "POST", "/sessions/{id}/cells", "Inserts a cell", CellsApi.CreateAsync).Produces(201);
        Map(api, "GET", "/sessions/{id}/cells/{cell}", "One cell with its outputs", CellsApi.GetAsync);
        Map(api, "PATCH", "/sessions/{id}/cells/{cell}", "Changes a cell's text", CellsApi.PatchAsync);
        Map(api, "POST", "/sessions/{id}/cells/{cell}/move", "Moves a cell", CellsApi.MoveAsync);
        Map(api, "DELETE", "/sessions/{id}/cells/{cell}", "Moves a cell to the bin", CellsApi.DeleteAsync);
        Map(api, "POST", "/sessions/{id}/cells/{cell}/restore", "Brings a cell back from the bin", CellsApi.RestoreAsync);

        Map(api, "POST", "/sessions/{id}/evaluations", "Evaluates cells", EvaluationsApi.StartAsync).Produces(202);
        Map(api, "DELETE", "/sessions/{id}/evaluations", "Cancels everything", EvaluationsApi.CancelAllAsync);
        Map(api, "DELETE", "/sessions/{id}/evaluations/{cell}", "Cancels one cell", EvaluationsApi.CancelAsync);
    }

    private static RouteHandlerBuilder Map(RouteGroupBuilder api, string method, string pattern, string summary, Func<ApiContext, RouteValueDictionary, Task> handler) =>
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
            .WithSummary(summary);
}
