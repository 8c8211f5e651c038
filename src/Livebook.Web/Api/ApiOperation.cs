namespace Livebook.Web.Api;

/// <summary>What the OpenAPI document says of a request. It only describes: a client that names no content type, or another one, is answered all the same.</summary>
/// <param name="Id">Name of the operation for generated clients.</param>
/// <param name="Body">Shape of the body; null = none.</param>
/// <param name="Answer">Shape of the answer; null = none.</param>
/// <param name="Statuses">Statuses of success.</param>
internal sealed record ApiOperation(string Id, string Tag, Type? Body, Type? Answer, params int[] Statuses)
{
    public ApiParameter[] Query { get; init; } = [];

    /// <summary>The body is bytes of any type, not JSON.</summary>
    public bool RawBody { get; init; }

    /// <summary>The answer is not JSON but of this type.</summary>
    public string? RawType { get; init; }

    /// <summary>Headers that the request may have.</summary>
    public ApiParameter[] Headers { get; init; } = [];

    /// <summary>More than the summary says; null = nothing.</summary>
    public string? Description { get; init; }

    /// <summary>Content types of the answer besides JSON.</summary>
    public string[] OtherTypes { get; init; } = [];
}

/// <param name="Values">What it can be; empty = any <paramref name="Type"/>.</param>
internal sealed record ApiParameter(string Name, string Description, string Type = "string", params string[] Values);
