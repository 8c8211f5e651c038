using System.Text.Json.Nodes;
using Livebook.Cluster.Settings;
using Livebook.Server.Settings;
using Microsoft.Extensions.DependencyInjection;

namespace Livebook.Web.Api;

/// <summary>Settings of all nodes: secrets of the workspace, environment variables, keys of the API.</summary>
internal static class SettingsApi
{
    private const int MaximumValueCharacters = 256 * 1024;
    private const int MaximumNameCharacters = 200;

    public static Task GetAsync(ApiContext api, RouteValueDictionary route)
    {
        var settings = SettingsOf(api);
        return api.WriteAsync(
            new JsonObject
            {
                ["environment"] = new JsonArray([
                    .. settings.Variables.Select(variable => new JsonObject { ["name"] = variable.Key, ["value"] = variable.Value }),
                ]),
                ["secrets"] = new JsonArray([
                    .. settings.Secrets.Keys.Select(name => new JsonObject { ["name"] = name, ["source"] = SourceOf(settings, name) }),
                ]),
                ["apiKeys"] = new JsonArray([
                    .. settings.ApiKeys.Select(key => new JsonObject
                    {
                        ["id"] = key.Id,
                        ["name"] = key.Name,
                        ["createdAt"] = key.CreatedAt,
                    }),
                ]),
                ["readOnly"] = settings.Refusal,
            }
        );
    }

    public static Task GetSecretAsync(ApiContext api, RouteValueDictionary route)
    {
        var settings = SettingsOf(api);
        var name = SecretName(route);
        if (!settings.Secrets.TryGetValue(name, out var value))
            throw Missing("secret", $"There is no secret {name}.");
        api.Http.Response.Headers.CacheControl = "no-store";
        return api.WriteAsync(
            new JsonObject
            {
                ["name"] = name,
                ["source"] = SourceOf(settings, name),
                ["value"] = value,
            }
        );
    }

    public static async Task PutSecretAsync(ApiContext api, RouteValueDictionary route)
    {
        var name = SecretName(route);
        await SettingsOf(api).SetSecretAsync(name, await ValueAsync(api), api.Stop);
        Done(api);
    }

    public static async Task DeleteSecretAsync(ApiContext api, RouteValueDictionary route)
    {
        var settings = SettingsOf(api);
        var name = SecretName(route);
        if (!settings.Secrets.ContainsKey(name))
            throw Missing("secret", $"There is no secret {name}.");
        await settings.DeleteSecretAsync(name, api.Stop);
        Done(api);
    }

    public static async Task PutVariableAsync(ApiContext api, RouteValueDictionary route)
    {
        var name = VariableName(route);
        await SettingsOf(api).SetVariableAsync(name, await ValueAsync(api), api.Stop);
        Done(api);
    }

    public static async Task DeleteVariableAsync(ApiContext api, RouteValueDictionary route)
    {
        var settings = SettingsOf(api);
        var name = VariableName(route);
        if (!settings.Variables.ContainsKey(name))
            throw Missing("variable", $"There is no variable {name}.");
        await settings.DeleteVariableAsync(name, api.Stop);
        Done(api);
    }

    public static async Task MakeKeyAsync(ApiContext api, RouteValueDictionary route)
    {
        var request = await api.ReadAsync(ApiRequestJson.Default.ApiKeyRequest);
        var name = request.Name.Trim();
        if (name.Length is 0 or > MaximumNameCharacters)
            throw ApiContext.Bad("name", $"must have 1 to {MaximumNameCharacters} characters");
        var key = await SettingsOf(api).MakeApiKeyAsync(name, api.Key, api.Stop);
        api.Http.Response.Headers.CacheControl = "no-store";
        await api.WriteAsync(
            new JsonObject
            {
                ["id"] = key.Id,
                ["name"] = key.Name,
                ["createdAt"] = key.CreatedAt,
                ["key"] = key.Key,
            },
            StatusCodes.Status201Created
        );
    }

    public static async Task DeleteKeyAsync(ApiContext api, RouteValueDictionary route)
    {
        var settings = SettingsOf(api);
        var id = (string)route["key"]!;
        if (settings.ApiKeys.All(key => key.Id != id))
            throw Missing("api-key", "There is no such key.");
        await settings.DeleteApiKeyAsync(id, api.Stop);
        Done(api);
    }

    public static Settings SettingsOf(ApiContext api) => api.Http.RequestServices.GetRequiredService<Settings>();

    /// <exception cref="ApiProblemException">It is no name.</exception>
    public static string SecretName(RouteValueDictionary route) =>
        SettingNames.OfSecret((string)route["name"]!) ?? throw ApiContext.Bad("name", SettingNames.SecretRule);

    public static async Task<string> ValueAsync(ApiContext api) => Checked((await api.ReadAsync(ApiRequestJson.Default.ValueRequest)).Value);

    public static string Checked(string value) =>
        value.Length > MaximumValueCharacters ? throw ApiContext.Bad("value", $"has at most {MaximumValueCharacters} characters")
        : value.Contains('\0', StringComparison.Ordinal) ? throw ApiContext.Bad("value", "cannot hold a zero character")
        : value;

    public static ApiProblemException Missing(string what, string detail) => new(StatusCodes.Status404NotFound, $"{what}-not-found", detail);

    public static void Done(ApiContext api) => api.Http.Response.StatusCode = StatusCodes.Status204NoContent;

    private static string VariableName(RouteValueDictionary route) =>
        SettingNames.OfVariable((string)route["name"]!) ?? throw ApiContext.Bad("name", SettingNames.VariableRule);

    private static string SourceOf(Settings settings, string name) => settings.IsStartupSecret(name) ? "environment" : "workspace";
}
