using System.Collections.Immutable;
using Livebook.Cluster.Messaging;

namespace Livebook.Cluster.Settings;

/// <summary>What nodes tell each other about settings: digests first, then the difference. Inside the node links' TLS.</summary>
internal abstract record SettingsMessage
{
    /// <summary>Is yours the same? Answered by <see cref="Same"/> or <see cref="Versions"/>.</summary>
    public sealed record Compare(ReadOnlyMemory<byte> Digest) : SettingsMessage;

    public sealed record Same : SettingsMessage;

    public sealed record Versions(ImmutableArray<SettingStamp> Stamps) : SettingsMessage;

    /// <summary>Take these, and give me those. Answered by <see cref="Entries"/> when what was given is on the asked node's disk.</summary>
    public sealed record Trade(ImmutableArray<SettingEntry> Given, ImmutableArray<string> Wanted) : SettingsMessage;

    public sealed record Entries(ImmutableArray<SettingEntry> Given) : SettingsMessage;

    public ReadOnlyMemory<byte> Encode()
    {
        var to = new WireWriter();
        switch (this)
        {
            case Compare it:
                to.Byte(1).Bytes(it.Digest.Span);
                break;
            case Same:
                to.Byte(2);
                break;
            case Versions it:
                to.Byte(3).Int(it.Stamps.Length);
                foreach (var stamp in it.Stamps)
                {
                    to.Text(stamp.Key).Long(stamp.Version).Text(stamp.Writer).Long(stamp.Content);
                }
                break;
            case Trade it:
                Write(to.Byte(4), it.Given).Int(it.Wanted.Length);
                foreach (var key in it.Wanted)
                {
                    to.Text(key);
                }
                break;
            case Entries it:
                Write(to.Byte(5), it.Given);
                break;
        }
        return to.Written;
    }

    /// <exception cref="InvalidDataException">The bytes are no message.</exception>
    public static SettingsMessage Decode(ReadOnlyMemory<byte> bytes)
    {
        var from = new WireReader(bytes);
        return from.Byte() switch
        {
            1 => new Compare(from.Bytes()),
            2 => new Same(),
            3 => new Versions(Array(from, 24, it => new SettingStamp(it.Text(), it.Long(), it.Text(), it.Long()))),
            4 => new Trade(Array(from, 17, ReadEntry), Array(from, 4, it => it.Text())),
            5 => new Entries(Array(from, 17, ReadEntry)),
            var kind => throw new InvalidDataException($"A message about settings of unknown kind {kind}."),
        };
    }

    public static ReadOnlyMemory<byte> EncodeEntries(IEnumerable<SettingEntry> entries) => Write(new WireWriter(), [.. entries]).Written;

    /// <exception cref="InvalidDataException">The bytes are no entries.</exception>
    public static ImmutableArray<SettingEntry> DecodeEntries(ReadOnlyMemory<byte> bytes) => Array(new WireReader(bytes), 17, ReadEntry);

    private static WireWriter Write(WireWriter to, ImmutableArray<SettingEntry> entries)
    {
        to.Int(entries.Length);
        foreach (var entry in entries)
        {
            to.Text(entry.Key).Long(entry.Version).Text(entry.Writer).Byte(entry.Value is null ? (byte)0 : (byte)1);
            if (entry.Value is { } value)
            {
                to.Bytes(value.Span);
            }
        }
        return to;
    }

    private static SettingEntry ReadEntry(WireReader from)
    {
        var (key, version, writer) = (from.Text(), from.Long(), from.Text());
        // Spelled out: a bare null would become empty bytes here.
        var value = from.Byte() == 0 ? (ReadOnlyMemory<byte>?)null : from.Bytes();
        return
            key.Length is > 0 and <= SettingEntry.MaximumKey
            && version is > 0 and <= SettingEntry.MaximumVersion
            && (value?.Length ?? 0) <= SettingEntry.MaximumValue
            ? new SettingEntry(key, version, writer, value)
            : throw new InvalidDataException("A setting that no node writes.");
    }

    private static ImmutableArray<T> Array<T>(WireReader from, int size, Func<WireReader, T> item)
    {
        var count = from.Count(size);
        var items = ImmutableArray.CreateBuilder<T>(count);
        for (var i = 0; i < count; i++)
        {
            items.Add(item(from));
        }
        return items.MoveToImmutable();
    }
}
