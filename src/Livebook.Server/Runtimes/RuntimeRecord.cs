using System.Text.Json.Serialization;

namespace Livebook.Server.Runtimes;

/// <summary>What a server notes of a runtime process, so that it finds it after a restart.</summary>
/// <param name="StartedAt">See <see cref="ProcessTree.StartTime"/>.</param>
/// <param name="Session">Null for a spare.</param>
/// <param name="Protocol">What both sides speak; 0 until the process said that it is ready.</param>
internal sealed record RuntimeRecord(
    string Id,
    int Pid,
    long StartedAt,
    string Key,
    string? Session,
    long Epoch,
    string Socket,
    string Framework,
    int Protocol = 0
)
{
    /// <summary>Whether the process lives, and is not a later one with the same number.</summary>
    [JsonIgnore]
    public bool IsAlive => ProcessTree.StartTime(Pid) == StartedAt;
}

[JsonSerializable(typeof(RuntimeRecord))]
internal sealed partial class RuntimeRecordJson : JsonSerializerContext;
