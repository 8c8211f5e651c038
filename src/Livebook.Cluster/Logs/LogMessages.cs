using System.Collections.Immutable;
using Livebook.Cluster.Messaging;

namespace Livebook.Cluster.Logs;

/// <summary>One log in a node's table: it owns it, or (not <see cref="Owns"/>) has a copy of it and waits to learn whose it is.</summary>
internal sealed record TableEntry(string Id, bool Owns, CopyState State, string? Standby, ReadOnlyMemory<byte> Info);

internal readonly record struct Tombstone(string Id, long Epoch, DateTimeOffset At);

/// <summary>What nodes tell each other about logs.</summary>
internal abstract record LogMessage
{
    /// <summary>Owner → standby: a whole copy (or, for one that it has, a compaction).</summary>
    public sealed record Snapshot(string Id, CopyState State, long At, ReadOnlyMemory<byte> Info, ReadOnlyMemory<byte> Bytes) : LogMessage;

    /// <summary>Owner → standby.</summary>
    public sealed record Append(string Id, long Epoch, long Reign, long First, ImmutableArray<ReadOnlyMemory<byte>> Entries) : LogMessage;

    /// <summary>Standby → owner: has everything up to <paramref name="Last"/> in memory and queued for its disk; −1: has no copy of this reign.</summary>
    public sealed record Acknowledge(string Id, long Reign, long Last, bool Gap) : LogMessage;

    /// <summary>To one that claims a log: somebody has more right to it.</summary>
    public sealed record Refuse(string Id, CopyState State) : LogMessage;

    /// <summary>Owner → standby: you hold no copy any more.</summary>
    public sealed record Drop(string Id, long Reign) : LogMessage;

    /// <summary>Owner → standby: the log is deleted.</summary>
    public sealed record Delete(string Id, long Epoch) : LogMessage;

    public sealed record Deleted(string Id) : LogMessage;

    /// <summary>A node's own table: all of it (<paramref name="Full"/>) or what changed.</summary>
    public sealed record Table(bool Full, ImmutableArray<TableEntry> Entries, ImmutableArray<string> Removed, ImmutableArray<Tombstone> Tombstones)
        : LogMessage;

    /// <summary>Owner → its standby: be the owner (a planned hand-over). The standby has everything up to <paramref name="Last"/>.</summary>
    public sealed record HandOver(string Id, long Reign, long Last) : LogMessage;

    /// <summary>The sender is about to leave: it gets no log and no second copy any more.</summary>
    public sealed record Drain : LogMessage;

    public ReadOnlyMemory<byte> Encode()
    {
        var to = new WireWriter();
        switch (this)
        {
            case Snapshot it:
                to = new WireWriter(it.Bytes.Length + 512).Byte(1).Text(it.Id);
                RecordFile.EncodeLineage(to, it.State);
                to.Long(it.At).Bytes(it.Info.Span).Raw(it.Bytes.Span);
                break;
            case Append it:
                to.Byte(2).Text(it.Id).Long(it.Epoch).Long(it.Reign).Long(it.First).Int(it.Entries.Length);
                foreach (var entry in it.Entries)
                {
                    to.Bytes(entry.Span);
                }
                break;
            case Acknowledge it:
                to.Byte(3).Text(it.Id).Long(it.Reign).Long(it.Last).Byte(it.Gap ? (byte)1 : (byte)0);
                break;
            case Refuse it:
                RecordFile.EncodeLineage(to.Byte(4).Text(it.Id), it.State);
                break;
            case Drop it:
                to.Byte(5).Text(it.Id).Long(it.Reign);
                break;
            case Delete it:
                to.Byte(6).Text(it.Id).Long(it.Epoch);
                break;
            case Deleted it:
                to.Byte(7).Text(it.Id);
                break;
            case Table it:
                EncodeTable(to, it);
                break;
            case HandOver it:
                to.Byte(9).Text(it.Id).Long(it.Reign).Long(it.Last);
                break;
            case Drain:
                to.Byte(10);
                break;
        }
        return to.Written;
    }

    /// <exception cref="InvalidDataException">The bytes are no message.</exception>
    public static LogMessage Decode(ReadOnlyMemory<byte> bytes)
    {
        var from = new WireReader(bytes);
        return from.Byte() switch
        {
            1 => new Snapshot(from.Text(), RecordFile.DecodeLineage(from), from.Long(), from.Bytes(), from.Rest()),
            2 => new Append(from.Text(), from.Long(), from.Long(), from.Long(), Array(from, 4, item => item.Bytes())),
            3 => new Acknowledge(from.Text(), from.Long(), from.Long(), from.Byte() != 0),
            4 => new Refuse(from.Text(), RecordFile.DecodeLineage(from)),
            5 => new Drop(from.Text(), from.Long()),
            6 => new Delete(from.Text(), from.Long()),
            7 => new Deleted(from.Text()),
            8 => new Table(from.Byte() != 0, Array(from, 20, DecodeEntry), Array(from, 4, item => item.Text()), Array(from, 20, DecodeTombstone)),
            9 => new HandOver(from.Text(), from.Long(), from.Long()),
            10 => new Drain(),
            var kind => throw new InvalidDataException($"A message about logs of unknown kind {kind}."),
        };
    }

    public static void EncodeTombstone(WireWriter to, Tombstone stone) => to.Text(stone.Id).Long(stone.Epoch).Long(stone.At.UtcTicks);

    public static Tombstone DecodeTombstone(WireReader from)
    {
        var (id, epoch, ticks) = (from.Text(), from.Long(), from.Long());
        return ticks >= 0 && ticks <= DateTimeOffset.MaxValue.UtcTicks
            ? new Tombstone(id, epoch, new DateTimeOffset(ticks, TimeSpan.Zero))
            : throw new InvalidDataException("A time out of range.");
    }

    private static void EncodeTable(WireWriter to, Table table)
    {
        to.Byte(8).Byte(table.Full ? (byte)1 : (byte)0).Int(table.Entries.Length);
        foreach (var entry in table.Entries)
        {
            to.Text(entry.Id).Byte(entry.Owns ? (byte)1 : (byte)0).Text(entry.Standby ?? "").Bytes(entry.Info.Span);
            RecordFile.EncodeLineage(to, entry.State);
        }
        to.Int(table.Removed.Length);
        foreach (var id in table.Removed)
        {
            to.Text(id);
        }
        to.Int(table.Tombstones.Length);
        foreach (var stone in table.Tombstones)
        {
            EncodeTombstone(to, stone);
        }
    }

    private static TableEntry DecodeEntry(WireReader from)
    {
        var (id, owns, standby, info) = (from.Text(), from.Byte() != 0, from.Text(), from.Bytes());
        return new TableEntry(id, owns, RecordFile.DecodeLineage(from), standby.Length == 0 ? null : standby, info);
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
