using System.Text.Json.Nodes;
using Livebook.Core.Sessions;

namespace Livebook.Web.Api;

/// <summary>Which secrets a session's code may use: its own, and those of the workspace that a user allowed.</summary>
internal static class SessionSecretsApi
{
    public static async Task ListAsync(ApiContext api, RouteValueDictionary route)
    {
        var secrets = await api.ReadAsync((string)route["id"]!, "secrets");
        await api.WriteAsync(
            new JsonArray([
                .. secrets["session"]!.AsObject().Select(secret => Entry(secret.Key, "session")),
                .. secrets["allowed"]!.AsArray().Select(name => Entry(name!.GetValue<string>(), "workspace")),
            ])
        );
    }

    /// <summary>Shows a secret of the session itself.</summary>
    public static async Task GetAsync(ApiContext api, RouteValueDictionary route)
    {
        var (session, name) = ((string)route["id"]!, SettingsApi.SecretName(route));
        var sealedText =
            (await api.ReadAsync(session, "secrets"))["session"]![name]?.GetValue<string>()
            ?? throw SettingsApi.Missing("secret", $"This session has no secret {name} of its own.");
        var value =
            SettingsApi.SettingsOf(api).OpenForSession(session, name, sealedText)
            ?? throw new ApiProblemException(StatusCodes.Status422UnprocessableEntity, "refused", $"{name} cannot be read here. Set it anew.");
        api.Http.Response.Headers.CacheControl = "no-store";
        await api.WriteAsync(
            new JsonObject
            {
                ["name"] = name,
                ["scope"] = "session",
                ["value"] = value,
            }
        );
    }

    public static async Task PutAsync(ApiContext api, RouteValueDictionary route)
    {
        var (session, name) = ((string)route["id"]!, SettingsApi.SecretName(route));
        ClientOperation operation = await api.ReadAsync(ApiRequestJson.Default.SessionSecretRequest) switch
        {
            { Value: { } value, Allowed: null } => new ClientOperation.SetSecret(
                name,
                await SettingsApi.SettingsOf(api).SealForSessionAsync(session, name, SettingsApi.Checked(value), api.Stop)
            ),
            { Value: null, Allowed: { } allowed } => new ClientOperation.AllowSecret(name, allowed),
            _ => throw ApiContext.Bad("value", "give either value, for a secret of this session, or allowed, for one of the workspace"),
        };
        await api.WriteVersionAsync(await api.SubmitAsync(session, operation));
    }

    public static async Task DeleteAsync(ApiContext api, RouteValueDictionary route) =>
        await api.WriteVersionAsync(await api.SubmitAsync((string)route["id"]!, new ClientOperation.DeleteSecret(SettingsApi.SecretName(route))));

    private static JsonObject Entry(string name, string scope) => new() { ["name"] = name, ["scope"] = scope };
}
