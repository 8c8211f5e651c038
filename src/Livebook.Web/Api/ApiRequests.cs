using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Livebook.Core.Sessions;

namespace Livebook.Web.Api;

/// <summary><c>{ file }</c>, or <c>{ source, format }</c>, or <c>{ name }</c>.</summary>
/// <param name="Node">Node that has the file; null = the one that is asked.</param>
/// <param name="Format"><c>livemd</c> or <c>ipynb</c>.</param>
public sealed record SessionRequest(string? File = null, string? Node = null, string? Source = null, string? Format = null, string? Name = null);

/// <summary>What is not given stays. An empty <paramref name="File"/> ends saving to a file; <paramref name="AutosaveSeconds"/> 0 = never.</summary>
public sealed record SessionPatch(
    string? Name = null,
    string? File = null,
    string? Node = null,
    bool Overwrite = false,
    int? AutosaveSeconds = null,
    bool? PersistOutputs = null,
    string? DefaultLanguage = null
);

/// <param name="Index">Position among the sections; null = at the end.</param>
/// <param name="Parent">Section to branch from.</param>
public sealed record SectionRequest(string? Name = null, int? Index = null, string? Parent = null);

/// <param name="Section">Null = the last one.</param>
/// <param name="Index">Null = at the end of the section.</param>
public sealed record CellRequest(string Source = "", string Kind = "code", string? Language = null, string? Section = null, int? Index = null);

/// <summary><c>{ source }</c>, <c>{ edits, revision? }</c> or <c>{ append }</c>.</summary>
public sealed record CellPatch(string? Source = null, ImmutableArray<TextEdit>? Edits = null, string? Append = null, int? Revision = null);

/// <summary>By steps, or to a place.</summary>
public sealed record MoveRequest(int Offset = 0, string? Section = null, int? Index = null);

/// <param name="Cells">Ids, or <c>"all"</c> or <c>"stale"</c>.</param>
/// <param name="Wait">Seconds to wait for the result, 0 to 3600; null = do not wait.</param>
public sealed record EvaluationRequest(JsonElement Cells, double? Wait = null);

/// <param name="Name">The new name.</param>
public sealed record FilePatch(string Name);

/// <summary>The value of a secret or a variable.</summary>
public sealed record ValueRequest([property: JsonRequired] string Value);

/// <summary><c>{ value }</c>: a secret of the session; or <c>{ allowed }</c>: whether code may use the workspace's secret of this name.</summary>
public sealed record SessionSecretRequest(string? Value = null, bool? Allowed = null);

/// <param name="Name">What the key is for.</param>
public sealed record ApiKeyRequest([property: JsonRequired] string Name);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true
)]
[JsonSerializable(typeof(SessionRequest))]
[JsonSerializable(typeof(SessionPatch))]
[JsonSerializable(typeof(SectionRequest))]
[JsonSerializable(typeof(CellRequest))]
[JsonSerializable(typeof(CellPatch))]
[JsonSerializable(typeof(MoveRequest))]
[JsonSerializable(typeof(EvaluationRequest))]
[JsonSerializable(typeof(FilePatch))]
[JsonSerializable(typeof(ValueRequest))]
[JsonSerializable(typeof(SessionSecretRequest))]
[JsonSerializable(typeof(ApiKeyRequest))]
internal sealed partial class ApiRequestJson : JsonSerializerContext;
