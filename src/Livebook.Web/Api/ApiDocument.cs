using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Livebook.Web.Hosting;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Livebook.Web.Api;

/// <summary>The OpenAPI document, <c>/api/v1/openapi.json</c>: made from the routes and the <see cref="ApiOperation"/> of each.</summary>
internal static class ApiDocument
{
    private const string Json = "application/json";
    private const string Key = "Key";

    private const string Refusal =
        "Refused. 400: malformed, `errors` says what is wrong by field; 401: the key is missing or wrong; 404: there is no such thing; 409: something else is in the way; "
        + "413: too large; 422: understood and refused, `detail` says why; 429: too many wrong keys from this address; "
        + "503: the session's owner is changing or this node is not ready, see `Retry-After`; 507: the server's disk is full.";

    public static void AddApiDocument(this IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict);
        services.AddOpenApi(options =>
        {
            options.ShouldInclude = description => description.ActionDescriptor.EndpointMetadata.OfType<ApiOperation>().Any();
            options.AddOperationTransformer(DescribeAsync);
            options.AddSchemaTransformer(DescribeAsync);
            options.AddDocumentTransformer(DescribeAsync);
        });
    }

    private static async Task DescribeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken stop)
    {
        var known = context.Description.ActionDescriptor.EndpointMetadata.OfType<ApiOperation>().Single();
        var method = context.Description.HttpMethod!;
        operation.OperationId = known.Id;
        operation.Tags = new HashSet<OpenApiTagReference> { new(known.Tag, context.Document) };
        operation.Parameters = [.. PathParameters(context.Description.RelativePath!), .. known.Query.Select(QueryParameter)];
        if (method is "POST" or "PATCH")
            operation.Parameters.Add(
                Parameter(
                    "Idempotency-Key",
                    ParameterLocation.Header,
                    "The same key within 24 hours gives the first result and changes nothing again.",
                    JsonSchemaType.String
                )
            );
        foreach (var header in known.Headers)
            operation.Parameters.Add(Parameter(header.Name, ParameterLocation.Header, header.Description, JsonSchemaType.String));
        operation.Description = known.Description;
        if (known.RawBody)
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = true,
                Content = new Dictionary<string, OpenApiMediaType> { ["application/octet-stream"] = new() { Schema = Binary() } },
            };
        if (known.Body is { } body)
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = true,
                Content = new Dictionary<string, OpenApiMediaType> { [Json] = new() { Schema = await SchemaAsync(body, context, stop) } },
            };
        operation.Responses = [];
        foreach (var status in known.Statuses)
            operation.Responses[status.ToString(System.Globalization.CultureInfo.InvariantCulture)] = await AnswerAsync(known, status, context, stop);
        operation.Responses["default"] = new OpenApiResponse
        {
            Description = Refusal,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                ["application/problem+json"] = new() { Schema = await SchemaAsync(typeof(Problem), context, stop) },
            },
        };
    }

    private static async Task<OpenApiResponse> AnswerAsync(ApiOperation known, int status, OpenApiOperationTransformerContext context, CancellationToken stop)
    {
        var response = new OpenApiResponse { Description = Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status) };
        if (known.RawType is not null && status is StatusCodes.Status200OK or StatusCodes.Status206PartialContent)
        {
            response.Content = new Dictionary<string, OpenApiMediaType>
            {
                [known.RawType!] = new()
                {
                    Schema = known.RawType!.StartsWith("text/", StringComparison.Ordinal) ? new OpenApiSchema { Type = JsonSchemaType.String } : Binary(),
                },
            };
            return response;
        }
        if (known.Answer is not { } answer || status is StatusCodes.Status204NoContent or StatusCodes.Status304NotModified)
            return response;
        var content = new Dictionary<string, OpenApiMediaType> { [Json] = new() { Schema = await SchemaAsync(answer, context, stop) } };
        foreach (var type in known.OtherTypes)
            content[type] = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String } };
        response.Content = content;
        return response;
    }

    private static OpenApiSchema Binary() => new() { Type = JsonSchemaType.String, Format = "binary" };

    /// <summary>Every shape has one place in the document, and is referred to.</summary>
    private static async Task<IOpenApiSchema> SchemaAsync(Type type, OpenApiOperationTransformerContext context, CancellationToken stop)
    {
        if (type.IsArray)
            return new OpenApiSchema { Type = JsonSchemaType.Array, Items = await SchemaAsync(type.GetElementType()!, context, stop) };
        var document = context.Document!;
        if (document.Components?.Schemas?.ContainsKey(type.Name) != true)
            document.AddComponent<IOpenApiSchema>(type.Name, await context.GetOrCreateSchemaAsync(type, null, stop));
        return new OpenApiSchemaReference(type.Name, document);
    }

    private static IEnumerable<IOpenApiParameter> PathParameters(string path) =>
        path.Split('/')
            .Where(part => part.StartsWith('{'))
            .Select(part =>
                Parameter(
                    part.Trim('{', '}'),
                    ParameterLocation.Path,
                    part == "{id}" ? "Id of the session."
                        : part == "{name}" && path.Contains("/files/", StringComparison.Ordinal)
                            ? "Name of the file: letters A-Z and a-z, digits, _, - and ., with an extension."
                        : $"Id of the {part.Trim('{', '}')}.",
                    JsonSchemaType.String
                )
            );

    private static OpenApiParameter QueryParameter(ApiParameter known)
    {
        var type = known.Type switch
        {
            "integer" => JsonSchemaType.Integer,
            "boolean" => JsonSchemaType.Boolean,
            _ => JsonSchemaType.String,
        };
        var parameter = Parameter(known.Name, ParameterLocation.Query, known.Description, type);
        if (known.Values is not [])
            ((OpenApiSchema)parameter.Schema!).Enum = [.. known.Values.Select(value => (JsonNode)value)];
        return parameter;
    }

    private static OpenApiParameter Parameter(string name, ParameterLocation place, string description, JsonSchemaType type) =>
        new()
        {
            Name = name,
            In = place,
            Required = place == ParameterLocation.Path,
            Description = description,
            Schema = new OpenApiSchema { Type = type },
        };

    private static Task DescribeAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken stop)
    {
        // Objects within objects are not marked as nullable by themselves.
        if (context.JsonPropertyInfo is { IsGetNullable: true } && schema.Type is { } type)
            schema.Type = type | JsonSchemaType.Null;
        if (context.JsonPropertyInfo is { Name: "cells" } property && property.DeclaringType == typeof(EvaluationRequest))
            schema.OneOf =
            [
                new OpenApiSchema
                {
                    Type = JsonSchemaType.Array,
                    Items = new OpenApiSchema { Type = JsonSchemaType.String },
                },
                new OpenApiSchema { Type = JsonSchemaType.String, Enum = ["all", "stale"] },
            ];
        return Task.CompletedTask;
    }

    private static Task DescribeAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken stop)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Livebook",
            Version = "v1",
            Description =
                "The door for scripts, CI and other tools. Any node answers for every session. A 2xx to a change means: accepted in order, safe, visible to all.",
        };
        // The address it was asked at is nothing that the code says.
        document.Servers = [];
        document.AddComponent<IOpenApiSecurityScheme>(
            Key,
            new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "The access token, the password, the value of LIVEBOOK_API_KEY, or a key made in the settings.",
            }
        );
        document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Key, document)] = [] }];
        return Task.CompletedTask;
    }
}
