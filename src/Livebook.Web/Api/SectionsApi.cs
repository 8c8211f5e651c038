using System.Text.Json.Nodes;
using Livebook.Core.Sessions;

namespace Livebook.Web.Api;

/// <summary>Sections of a session.</summary>
internal static class SectionsApi
{
    public static async Task CreateAsync(ApiContext api, RouteValueDictionary route)
    {
        var session = (string)route["id"]!;
        var request = await api.ReadAsync(ApiRequestJson.Default.SectionRequest);
        string? after = null;
        if (request.Index is { } index)
        {
            // The setup section is the first of the list, so the section in front of index i is number i of it.
            var sections = (await api.ReadAsync(session, "notebook", ("format", "json"), ("outputs", "false")))["sections"]!.AsArray();
            if (index < 0 || index >= sections.Count)
                throw ApiContext.Bad("index", $"must be 0 to {sections.Count - 1}");
            after = sections[index]!["id"]!.GetValue<string>();
        }
        var reply = await api.SubmitAsync(session, new ClientOperation.InsertSection(api.NewId(), after, null, request.Name, request.Parent));
        await api.WriteAsync(new JsonObject { ["id"] = reply.Resource, ["version"] = reply.Version }, StatusCodes.Status201Created);
    }

    public static async Task PatchAsync(ApiContext api, RouteValueDictionary route)
    {
        var session = (string)route["id"]!;
        var (section, position) = await FindAsync(api, session, (string)route["section"]!);
        var patch = await api.ReadAsync(ApiRequestJson.Default.SectionRequest);
        var version = 0L;
        if (patch.Name is { } name)
            version = (await api.SubmitAsync(session, new ClientOperation.RenameSection(section, name))).Version;
        if (patch.Parent is { } parent)
            version = (await api.SubmitAsync(session, new ClientOperation.SetSectionParent(section, parent.Length == 0 ? null : parent))).Version;
        if (patch.Index is { } index && index != position)
            version = (await api.SubmitAsync(session, new ClientOperation.MoveSection(section, index - position))).Version;
        await api.WriteAsync(new JsonObject { ["version"] = version });
    }

    public static async Task DeleteAsync(ApiContext api, RouteValueDictionary route)
    {
        var session = (string)route["id"]!;
        var (section, _) = await FindAsync(api, session, (string)route["section"]!);
        await api.WriteVersionAsync(await api.SubmitAsync(session, new ClientOperation.DeleteSection(section, api.Http.Request.Query["cells"] == "true")));
    }

    /// <summary>The section and its position among the sections, the setup section not counted.</summary>
    private static async Task<(string Section, int Position)> FindAsync(ApiContext api, string session, string section)
    {
        var sections = (await api.ReadAsync(session, "notebook", ("format", "json"), ("outputs", "false")))["sections"]!.AsArray();
        for (var i = 0; i < sections.Count; i++)
        {
            if (sections[i]!["id"]!.GetValue<string>() == section)
                return (section, i - 1);
        }
        throw new ApiProblemException(StatusCodes.Status404NotFound, "section-not-found", $"There is no section {section}.");
    }
}
