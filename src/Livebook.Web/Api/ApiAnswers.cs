namespace Livebook.Web.Api;

// The shapes of answers, for the OpenAPI document. Answers are written where they are made, which may be another node of another version,
// so they are passed on as they are and not read into these; the API's tests compare every answer they get with the document.

internal sealed record ClusterAnswer(
    string Self,
    string Status,
    IReadOnlyList<NodeAnswer> Nodes,
    IReadOnlyList<ClusterSessionAnswer> Sessions,
    DiscoveryAnswer Discovery,
    IReadOnlyList<StrangerAnswer> Strangers,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<ClusterEventAnswer> Events
);

internal sealed record NodeAnswer(
    string Name,
    string Address,
    string Version,
    string Status,
    int Sessions,
    int StandbySessions,
    DateTimeOffset StartedAt,
    long? MemoryBytes,
    long? MemoryLimitBytes,
    int? Pages,
    string? PassingStorage
);

internal sealed record ClusterSessionAnswer(string Id, string Name, string Node, string? Standby, long Epoch, int? Behind, int Clients, long MemoryBytes);

internal sealed record DiscoveryAnswer(
    string Mode,
    string? Query,
    IReadOnlyList<string> LastAnswer,
    DateTimeOffset? LastAt,
    string? Error,
    IReadOnlyList<AddressAnswer> Addresses
);

internal sealed record AddressAnswer(string Address, string Result, string? Node, string? Reason);

internal sealed record ClusterEventAnswer(DateTimeOffset At, string Node, string Kind, string Subject, string Text);

internal sealed record StrangerAnswer(string Address, string Reason, DateTimeOffset Since);

internal sealed record SessionAnswer(
    string Id,
    string Name,
    string? File,
    string Node,
    string? Standby,
    long Epoch,
    long Version,
    int Clients,
    RuntimeAnswer Runtime,
    DateTimeOffset CreatedAt,
    string Url,
    IReadOnlyList<string>? Warnings = null
);

internal sealed record RuntimeAnswer(string Status, long MemoryBytes);

internal sealed record NotebookAnswer(
    string Name,
    bool PersistOutputs,
    int AutosaveSeconds,
    string DefaultLanguage,
    long Version,
    IReadOnlyList<SectionAnswer> Sections
);

internal sealed record SectionAnswer(string Id, string Name, string? Parent, IReadOnlyList<CellAnswer> Cells);

internal sealed record CellAnswer(
    string Id,
    string Section,
    string Kind,
    string Source,
    int Revision,
    string? Language = null,
    string? Status = null,
    string? Validity = null,
    bool? Errored = null,
    IReadOnlyList<OutputAnswer>? Outputs = null,
    double? DurationMs = null,
    int? Evaluations = null
);

internal sealed record OutputAnswer(string Kind, IReadOnlyDictionary<string, string> Data, ErrorAnswer? Error = null);

internal sealed record ErrorAnswer(string Type, string Message, int? Line);

internal sealed record EvaluationsAnswer(IReadOnlyList<EvaluationAnswer> Evaluations, long Version);

internal sealed record EvaluationAnswer(string Cell, string Status, double? DurationMs, IReadOnlyList<OutputAnswer> Outputs, ErrorAnswer? Error);

internal sealed record CreatedAnswer(string Id, long Version);

internal sealed record VersionAnswer(long Version);

internal sealed record TextAnswer(long Version, int Revision);

internal sealed record SettingsAnswer(
    IReadOnlyList<VariableAnswer> Environment,
    IReadOnlyList<SecretInfoAnswer> Secrets,
    IReadOnlyList<ApiKeyAnswer> ApiKeys,
    string? ReadOnly
);

internal sealed record VariableAnswer(string Name, string Value);

internal sealed record SecretInfoAnswer(string Name, string Source);

internal sealed record SecretAnswer(string Name, string Source, string Value);

internal sealed record ApiKeyAnswer(string Id, string Name, DateTimeOffset CreatedAt);

internal sealed record NewApiKeyAnswer(string Id, string Name, DateTimeOffset CreatedAt, string Key);

internal sealed record SessionSecretInfoAnswer(string Name, string Scope);

internal sealed record SessionSecretAnswer(string Name, string Scope, string Value);

internal sealed record SavedAnswer(string? File, DateTimeOffset? SavedAt);

internal sealed record NotebookFileAnswer(
    string Name,
    long Size,
    string Hash,
    string ContentType,
    string Url,
    DateTimeOffset? StoredAt = null,
    long? Version = null
);
