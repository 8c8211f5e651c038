using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Livebook.Core.Sessions;
using Livebook.Server.Sessions;
using Livebook.Web.Hosting;
using SessionDirectory = Livebook.Server.Sessions.Sessions;

namespace Livebook.Web.Api;

/// <summary>What every request of the API needs: its body, its key, and ways to ask a session and to answer.</summary>
internal sealed class ApiContext(HttpContext http, SessionDirectory sessions, CancellationToken stop)
{
    /// <summary>Who programs are to people.</summary>
    public const string User = "API";
    private const int KeyCharacters = 255;

    private int _submitted;

    public SessionDirectory Sessions => sessions;

    public CancellationToken Stop => stop;

    public HttpContext Http => http;

    /// <summary>The <c>Idempotency-Key</c> for this very request, or null. The same key with another address is another key.</summary>
    public string? Key =>
        http.Request.Headers["Idempotency-Key"].ToString() is { Length: > 0 and <= KeyCharacters } key
            ? $"{http.Request.Method} {http.Request.Path} {key}"
            : null;

    /// <summary>An id for something new; with a key the same one for the same key.</summary>
    public string NewId() => Convert.ToHexStringLower(Key is { } key ? SHA256.HashData(Encoding.UTF8.GetBytes(key)) : RandomNumberGenerator.GetBytes(16))[..20];

    /// <summary>Reads the body.</summary>
    /// <exception cref="ApiProblemException">It is not what is expected.</exception>
    public async Task<T> ReadAsync<T>(JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return await JsonSerializer.DeserializeAsync(http.Request.Body, type, stop) ?? throw Bad("body", "must be an object");
        }
        catch (JsonException error)
        {
            throw Bad(error.Path is { Length: > 2 } path ? path[2..] : "body", error.Message);
        }
    }

    public static ApiProblemException Bad(string field, string fault) => new(StatusCodes.Status400BadRequest, "bad-request", $"{field}: {fault}", field, fault);

    /// <summary>Reads JSON of a session at its owner.</summary>
    /// <exception cref="ApiProblemException">There is no such thing.</exception>
    public async Task<JsonObject> ReadAsync(string session, string what, params IEnumerable<(string Name, string Value)> parameters)
    {
        var reply = await sessions.QueryAsync(session, what, parameters.ToImmutableDictionary(entry => entry.Name, entry => entry.Value), stop);
        return reply.ContentType is null
            ? throw new ApiProblemException(StatusCodes.Status404NotFound, $"{what}-not-found", Encoding.UTF8.GetString(reply.Body))
            : JsonNode.Parse(reply.Body)!.AsObject();
    }

    /// <summary>Submits an operation; completes when it is safe and visible.</summary>
    /// <exception cref="ApiProblemException">It was refused.</exception>
    public async Task<SubmitReply> SubmitAsync(string session, ClientOperation operation)
    {
        // A request may be several operations: each has its own key.
        var key = Key is { } given ? $"{given} {_submitted++}" : null;
        var reply = await sessions.SubmitAsync(session, operation, User, key, stop);
        return reply.Error is { } reason ? throw new ApiProblemException(StatusCodes.Status422UnprocessableEntity, "refused", reason) : reply;
    }

    public Task WriteAsync(JsonNode body, int status = StatusCodes.Status200OK)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json; charset=utf-8";
        return http.Response.WriteAsync(body.ToJsonString(), stop);
    }

    public Task WriteVersionAsync(SubmitReply reply) => WriteAsync(new JsonObject { ["version"] = reply.Version });

    /// <summary>Absolute address of something below the base path.</summary>
    public string Url(string path) => $"{http.Request.Scheme}://{http.Request.Host}{http.Request.PathBase}{path}";
}

/// <summary>The request cannot be answered with success; becomes <c>application/problem+json</c>.</summary>
internal sealed class ApiProblemException(int status, string type, string detail, string? field = null, string? fault = null, string? session = null)
    : Exception(detail)
{
    public Task WriteAsync(HttpContext context) =>
        Problems.WriteAsync(context, status, type, Message, field is null ? null : new Dictionary<string, string[]> { [field] = [fault ?? Message] }, session);
}
