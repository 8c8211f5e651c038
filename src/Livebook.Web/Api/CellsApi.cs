using System.Text.Json.Nodes;
using Livebook.Core.Sessions;

namespace Livebook.Web.Api;

/// <summary>Cells of a session.</summary>
internal static class CellsApi
{
    public static async Task CreateAsync(ApiContext api, RouteValueDictionary route)
    {
        var session = Session(route);
        var request = await api.ReadAsync(ApiRequestJson.Default.CellRequest);
        if (request.Kind is not ("code" or "markdown"))
            throw ApiContext.Bad("kind", $"must be code or markdown, found {request.Kind}");
        var section = request.Section;
        if (section is null)
        {
            var sections = (await api.ReadAsync(session, "notebook", ("format", "json"), ("outputs", "false")))["sections"]!.AsArray();
            if (sections.Count < 2)
                throw new ApiProblemException(
                    StatusCodes.Status422UnprocessableEntity,
                    "refused",
                    "The notebook has no section to insert the cell in: make one first."
                );
            section = sections[^1]!["id"]!.GetValue<string>();
        }
        var reply = await api.SubmitAsync(
            session,
            new ClientOperation.InsertCell(api.NewId(), section, request.Index, request.Kind, request.Language, request.Source)
        );
        await api.WriteAsync(new JsonObject { ["id"] = reply.Resource, ["version"] = reply.Version }, StatusCodes.Status201Created);
    }

    public static async Task GetAsync(ApiContext api, RouteValueDictionary route) => await api.WriteAsync(await CellOf(api, route));

    private static Task<JsonObject> CellOf(ApiContext api, RouteValueDictionary route) => api.ReadAsync(Session(route), "cell", ("cell", Cell(route)));

    public static async Task PatchAsync(ApiContext api, RouteValueDictionary route)
    {
        await CellOf(api, route);
        var patch = await api.ReadAsync(ApiRequestJson.Default.CellPatch);
        var reply = await api.SubmitAsync(
            Session(route),
            new ClientOperation.PatchText(Cell(route), api.NewId(), patch.Source, patch.Edits, patch.Append, patch.Revision)
        );
        var cell = await CellOf(api, route);
        await api.WriteAsync(new JsonObject { ["version"] = reply.Version, ["revision"] = cell["revision"]!.DeepClone() });
    }

    public static async Task MoveAsync(ApiContext api, RouteValueDictionary route)
    {
        await CellOf(api, route);
        var move = await api.ReadAsync(ApiRequestJson.Default.MoveRequest);
        await api.WriteVersionAsync(await api.SubmitAsync(Session(route), new ClientOperation.MoveCell(Cell(route), move.Offset, move.Section, move.Index)));
    }

    public static async Task DeleteAsync(ApiContext api, RouteValueDictionary route)
    {
        await CellOf(api, route);
        await api.WriteVersionAsync(await api.SubmitAsync(Session(route), new ClientOperation.DeleteCell(Cell(route))));
    }

    public static async Task RestoreAsync(ApiContext api, RouteValueDictionary route) =>
        await api.WriteVersionAsync(await api.SubmitAsync(Session(route), new ClientOperation.RestoreCell(Cell(route))));

    private static string Session(RouteValueDictionary route) => (string)route["id"]!;

    private static string Cell(RouteValueDictionary route) => (string)route["cell"]!;
}
