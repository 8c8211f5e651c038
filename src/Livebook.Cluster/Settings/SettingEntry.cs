namespace Livebook.Cluster.Settings;

/// <summary>One setting as it was written last: a key, bytes that mean nothing here, and what decides between two writings.</summary>
/// <param name="Version">Goes up with every writing that its writer knew of; no clock.</param>
/// <param name="Writer">Node that wrote it.</param>
/// <param name="Value">Null: the setting was deleted. Kept, so that a node that was away does not bring it back.</param>
public sealed record SettingEntry(string Key, long Version, string Writer, ReadOnlyMemory<byte>? Value)
{
    /// <summary>Characters of a key at most.</summary>
    public const int MaximumKey = 512;

    /// <summary>Bytes of a value at most.</summary>
    public const int MaximumValue = 1024 * 1024;

    /// <summary>A version that no cluster reaches by writing.</summary>
    public const long MaximumVersion = 1L << 53;

    /// <summary>Whether this one wins over another of the same key. A total order, so that every node decides alike: by version, then writer, then content.</summary>
    public bool Beats(SettingEntry other)
    {
        var order = Version.CompareTo(other.Version);
        order = order != 0 ? order : string.CompareOrdinal(Writer, other.Writer);
        order = order != 0 ? order : Value.HasValue.CompareTo(other.Value.HasValue);
        return (order != 0 ? order : (Value ?? default).Span.SequenceCompareTo((other.Value ?? default).Span)) > 0;
    }
}
