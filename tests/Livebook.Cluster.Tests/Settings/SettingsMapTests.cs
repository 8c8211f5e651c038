using System.Collections.Immutable;
using CsCheck;
using Livebook.Cluster.Settings;

namespace Livebook.Cluster.Tests.Settings;

public sealed class SettingsMapTests
{
    private static readonly Gen<SettingEntry> Entries = Gen.Select(
        Gen.OneOf("a", "b", "c"),
        Gen.Long[1, 4],
        Gen.OneOf("n1", "n2"),
        Gen.Byte[0, 2].Array[0, 2].Null(),
        (key, version, writer, value) => new SettingEntry(key, version, writer, Optional(value))
    );

    private static readonly Gen<SettingsMap> Maps = Entries.Array[0, 8].Select(entries => SettingsMap.Empty.Merge(entries));

    [Fact]
    public void Merging_is_commutative() => Gen.Select(Maps, Maps).Sample((a, b) => Same(a.Merge(b.Entries.Values), b.Merge(a.Entries.Values)));

    [Fact]
    public void Merging_is_associative() =>
        Gen.Select(Maps, Maps, Maps)
            .Sample((a, b, c) => Same(a.Merge(b.Entries.Values).Merge(c.Entries.Values), a.Merge(b.Merge(c.Entries.Values).Entries.Values)));

    [Fact]
    public void Merging_the_same_again_changes_nothing() =>
        Gen.Select(Maps, Maps)
            .Sample(
                (a, b) =>
                {
                    var merged = a.Merge(b.Entries.Values);
                    return ReferenceEquals(merged, merged.Merge(b.Entries.Values)) && ReferenceEquals(merged, merged.Merge(a.Entries.Values));
                }
            );

    [Fact]
    public void What_is_written_wins_over_everything_that_its_writer_knew() =>
        Gen.Select(Maps, Gen.Byte.Array[0, 2].Null())
            .Sample(
                (map, value) =>
                {
                    var written = map.Write([KeyValuePair.Create("a", Optional(value))], "n0").Single();
                    return ReferenceEquals(written, map.Merge([written]).Entries["a"]);
                }
            );

    /// <summary>Digest, then difference: two nodes that trade what the stamps say have the same afterwards.</summary>
    [Fact]
    public void Trading_the_difference_makes_two_maps_one() =>
        Gen.Select(Maps, Maps)
            .Sample(
                (asker, asked) =>
                {
                    var there = asked.Stamps().ToDictionary(stamp => stamp.Key);
                    var given = asker.Missing(there);
                    var wanted = asker.Wanted(there.Values);
                    var after = asked.Merge(given);
                    var back = asker.Merge(wanted.Select(key => after.Entries[key]));
                    return Same(after, back) && Same(after, asker.Merge(asked.Entries.Values));
                }
            );

    [Fact]
    public void Only_equal_maps_have_the_same_digest() => Gen.Select(Maps, Maps).Sample((a, b) => Same(a, b) == a.Digest().AsSpan().SequenceEqual(b.Digest()));

    [Fact]
    public void Messages_arrive_as_they_were_sent() =>
        Gen.Select(Entries.Array[0, 4], Gen.OneOf("x", "y").Array[0, 3])
            .Sample(
                (entries, wanted) =>
                {
                    var trade = new SettingsMessage.Trade([.. entries], [.. wanted]);
                    var read = Assert.IsType<SettingsMessage.Trade>(SettingsMessage.Decode(trade.Encode()));
                    return read.Wanted.SequenceEqual(wanted) && read.Encode().Span.SequenceEqual(trade.Encode().Span);
                }
            );

    [Fact]
    public void Bytes_of_a_hostile_node_are_refused_as_such() =>
        Gen
            .Byte.Array[0, 60]
            .Sample(bytes =>
            {
                try
                {
                    SettingsMessage.Decode(bytes);
                }
                catch (InvalidDataException)
                {
                    // As it should be.
                }
            });

    private static ReadOnlyMemory<byte>? Optional(byte[]? value) => value is null ? (ReadOnlyMemory<byte>?)null : value;

    private static bool Same(SettingsMap a, SettingsMap b) => Lines(a).SequenceEqual(Lines(b));

    private static IEnumerable<string> Lines(SettingsMap map) =>
        map.Entries.Values.Select(entry =>
            $"{entry.Key} {entry.Version} {entry.Writer} {(entry.Value is { } value ? Convert.ToHexString(value.Span) : "deleted")}"
        );
}
