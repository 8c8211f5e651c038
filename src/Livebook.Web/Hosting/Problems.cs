using System.Text.Json;
using System.Text.Json.Serialization;
using Livebook.Cluster.Settings;
using Livebook.Core.Imports;
using Livebook.Server.Sessions;

namespace Livebook.Web.Hosting;

/// <summary>Answers what could not be done with <c>application/problem+json</c> (RFC 9457).</summary>
internal sealed partial class Problems(RequestDelegate next, ILogger<Problems> logger)
{
    /// <summary>Seconds after which an owner that did not answer is worth asking again.</summary>
    private const string RetryAfterSeconds = "2";

    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to hear an answer.
        }
        catch (Exception error) when (!context.Response.HasStarted)
        {
            var (status, type) = Of(error);
            if (status == StatusCodes.Status500InternalServerError)
                LogFailed(logger, context.Request.Method, context.Request.Path, error);
            if (status == StatusCodes.Status503ServiceUnavailable)
                context.Response.Headers.RetryAfter = RetryAfterSeconds;
            var detail = status == StatusCodes.Status500InternalServerError ? "The server failed. Its log says why." : error.Message;
            await WriteAsync(context, status, type, detail);
        }
    }

    private static (int Status, string Type) Of(Exception error) =>
        error switch
        {
            SessionNotFoundException => (StatusCodes.Status404NotFound, "session-not-found"),
            OwnerUnavailableException => (StatusCodes.Status503ServiceUnavailable, "owner-unavailable"),
            SessionRefusedException { Kind: "not_ready" } => (StatusCodes.Status503ServiceUnavailable, "not-ready"),
            SessionRefusedException { Kind: "not_found" } => (StatusCodes.Status404NotFound, "file-not-found"),
            SessionRefusedException { Kind: "in_use" } => (StatusCodes.Status409Conflict, "file-in-use"),
            SessionRefusedException { Kind: "too_large" } => (StatusCodes.Status413PayloadTooLarge, "too-large"),
            SessionRefusedException { Kind: "disk_full" } => (StatusCodes.Status507InsufficientStorage, "disk-full"),
            SessionRefusedException => (StatusCodes.Status422UnprocessableEntity, "refused"),
            SettingsRefusedException { Kind: "not_ready" } => (StatusCodes.Status503ServiceUnavailable, "not-ready"),
            SettingsRefusedException { Kind: "too_large" } => (StatusCodes.Status413PayloadTooLarge, "too-large"),
            SettingsRefusedException { Kind: "disk_full" } => (StatusCodes.Status507InsufficientStorage, "disk-full"),
            SettingsRefusedException => (StatusCodes.Status422UnprocessableEntity, "refused"),
            NotebookFormatException => (StatusCodes.Status422UnprocessableEntity, "not-a-notebook"),
            BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => (StatusCodes.Status413PayloadTooLarge, "too-large"),
            BadHttpRequestException or JsonException or EndOfStreamException => (StatusCodes.Status400BadRequest, "bad-request"),
            _ => (StatusCodes.Status500InternalServerError, "internal"),
        };

    public static Task WriteAsync(
        HttpContext context,
        int status,
        string type,
        string detail,
        IReadOnlyDictionary<string, string[]>? errors = null,
        string? session = null
    )
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/problem+json";
        var problem = new Problem(
            $"urn:livebook:{type}",
            Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status),
            status,
            detail,
            errors,
            session
        );
        return JsonSerializer.SerializeAsync(context.Response.Body, problem, ProblemJson.Default.Problem, context.RequestAborted);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed")]
    private static partial void LogFailed(ILogger logger, string method, string path, Exception error);
}

/// <param name="Type">Stable name of the kind of problem.</param>
/// <param name="Errors">For bad input: what is wrong, by field.</param>
/// <param name="Session">The session that has the file which was asked for.</param>
internal sealed record Problem(
    string Type,
    string Title,
    int Status,
    string Detail,
    IReadOnlyDictionary<string, string[]>? Errors = null,
    string? Session = null
);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Problem))]
internal sealed partial class ProblemJson : JsonSerializerContext;
