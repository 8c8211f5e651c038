using System.Collections.Immutable;
using System.Security.Cryptography;

namespace Livebook.Cluster.Settings;

/// <summary>
/// All settings that a node knows. Pure. Merging is commutative, associative and idempotent: whatever the order in which nodes hear of
/// changes, they come to the same map.
/// </summary>
internal sealed record SettingsMap(ImmutableSortedDictionary<string, SettingEntry> Entries)
{
    public static readonly SettingsMap Empty = new(ImmutableSortedDictionary.Create<string, SettingEntry>(StringComparer.Ordinal));

    /// <summary>The highest version in it.</summary>
    public long Clock => Entries.IsEmpty ? 0 : Entries.Values.Max(entry => entry.Version);

    /// <summary>The same map when nothing in <paramref name="others"/> wins.</summary>
    public SettingsMap Merge(IEnumerable<SettingEntry> others)
    {
        var entries = Entries;
        foreach (var other in others)
        {
            if (!entries.TryGetValue(other.Key, out var known) || other.Beats(known))
            {
                entries = entries.SetItem(other.Key, other);
            }
        }
        return ReferenceEquals(entries, Entries) ? this : new SettingsMap(entries);
    }

    /// <summary>What <paramref name="writer"/> writes now: it wins over everything in this map.</summary>
    /// <param name="changes">Values by key; null deletes.</param>
    public ImmutableArray<SettingEntry> Write(IEnumerable<KeyValuePair<string, ReadOnlyMemory<byte>?>> changes, string writer)
    {
        var version = Clock + 1;
        return [.. changes.Select(change => new SettingEntry(change.Key, version, writer, change.Value))];
    }

    /// <summary>The same for two maps exactly when they hold the same.</summary>
    public byte[] Digest() => SHA256.HashData(SettingsMessage.EncodeEntries(Entries.Values).Span);

    /// <summary>Short for all of it: what decides, and a digest of the content for two writings that agree in the rest.</summary>
    public ImmutableArray<SettingStamp> Stamps() => [.. Entries.Values.Select(SettingStamp.Of)];

    /// <summary>What this map has and the other one lacks or has older.</summary>
    public ImmutableArray<SettingEntry> Missing(IReadOnlyDictionary<string, SettingStamp> there) =>
        [.. Entries.Values.Where(entry => !there.TryGetValue(entry.Key, out var stamp) || (stamp != SettingStamp.Of(entry) && !stamp.IsAbove(entry)))];

    /// <summary>Keys of which the other one has something else that is not older.</summary>
    public ImmutableArray<string> Wanted(IEnumerable<SettingStamp> there) =>
        [
            .. there
                .Where(stamp => !Entries.TryGetValue(stamp.Key, out var entry) || (stamp != SettingStamp.Of(entry) && !stamp.IsBelow(entry)))
                .Select(stamp => stamp.Key),
        ];
}

/// <summary>An entry without its value.</summary>
/// <param name="Content">First eight bytes of the content's digest.</param>
internal readonly record struct SettingStamp(string Key, long Version, string Writer, long Content)
{
    public static SettingStamp Of(SettingEntry entry)
    {
        Span<byte> digest = stackalloc byte[32];
        SHA256.HashData((entry.Value ?? default).Span, digest);
        return new SettingStamp(entry.Key, entry.Version, entry.Writer, entry.Value is null ? 0 : BitConverter.ToInt64(digest));
    }

    /// <summary>It wins, whatever its content.</summary>
    public bool IsAbove(SettingEntry entry) => Order(entry) > 0;

    /// <summary>It loses, whatever its content.</summary>
    public bool IsBelow(SettingEntry entry) => Order(entry) < 0;

    private int Order(SettingEntry entry)
    {
        var order = Version.CompareTo(entry.Version);
        return order != 0 ? order : string.CompareOrdinal(Writer, entry.Writer);
    }
}
