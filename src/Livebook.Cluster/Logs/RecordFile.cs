using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.InteropServices;
using Livebook.Cluster.Messaging;

namespace Livebook.Cluster.Logs;

/// <summary>What a log's file held.</summary>
/// <param name="GoodBytes">Length of the part that is in order.</param>
/// <param name="Damage">Null: all of it is.</param>
internal sealed record FileContents(LogCopy? Copy, long GoodBytes, FileDamage? Damage);

internal enum FileDamage
{
    /// <summary>The last record is incomplete: the process or machine died while writing it.</summary>
    TornTail,

    /// <summary>A record is broken and good ones follow: the disk lost something.</summary>
    CorruptMiddle,
}

/// <summary>
/// The format of a log's file: records of magic, length, CRC-32C, payload. The first is a state (who wrote it), then a snapshot, then entries and
/// further states (a new owner began). Only a rewrite of the whole file removes anything.
/// </summary>
internal static class RecordFile
{
    private const int HeaderBytes = 12;
    private const uint Magic = 0x4C42_4C31; // "LBL1"
    private const byte StateKind = 1;
    private const byte SnapshotKind = 2;
    private const byte EntryKind = 3;

    public static void WriteState(Stream to, LogCopy copy) => WriteRecord(to, EncodeState(copy.Id, copy.State, copy.Info));

    public static void WriteEntry(Stream to, long sequence, ReadOnlyMemory<byte> entry) =>
        WriteRecord(to, new WireWriter(entry.Length + 16).Byte(EntryKind).Long(sequence).Raw(entry.Span).Written);

    public static void WriteSnapshot(Stream to, long at, ReadOnlyMemory<byte> snapshot) =>
        WriteRecord(to, new WireWriter(snapshot.Length + 16).Byte(SnapshotKind).Long(at).Raw(snapshot.Span).Written);

    /// <summary>Reads as far as the file is in order. Never throws because of what it holds.</summary>
    public static FileContents Read(ReadOnlyMemory<byte> file)
    {
        LogCopy? copy = null;
        (string Id, CopyState State, ReadOnlyMemory<byte> Info)? state = null;
        var at = 0;
        while (at < file.Length)
        {
            if (RecordAt(file, at) is not { } payload || !Apply(payload, ref state, ref copy))
            {
                return new FileContents(copy, at, HasRecordBehind(file, at) ? FileDamage.CorruptMiddle : FileDamage.TornTail);
            }
            at += HeaderBytes + payload.Length;
        }
        return new FileContents(copy, at, null);
    }

    public static void EncodeLineage(WireWriter to, CopyState state)
    {
        to.Int(state.Lineage.Length);
        foreach (var segment in state.Lineage)
        {
            to.Long(segment.Reign).Long(segment.Epoch).Long(segment.Start).Byte(segment.Certain ? (byte)1 : (byte)0);
        }
        to.Long(state.Last).Byte(state.AsOwner ? (byte)1 : (byte)0);
    }

    public static CopyState DecodeLineage(WireReader from)
    {
        var count = from.Count(25);
        if (count is 0 or > CopyState.MaximumSegments)
        {
            throw new InvalidDataException($"A lineage of {count} stretches.");
        }
        var segments = ImmutableArray.CreateBuilder<Segment>(count);
        for (var i = 0; i < count; i++)
        {
            segments.Add(new Segment(from.Long(), from.Long(), from.Long(), from.Byte() != 0));
        }
        return new CopyState(segments.MoveToImmutable(), from.Long(), from.Byte() != 0);
    }

    private static ReadOnlyMemory<byte> EncodeState(string id, CopyState state, ReadOnlyMemory<byte> info)
    {
        var to = new WireWriter().Byte(StateKind).Text(id);
        EncodeLineage(to, state);
        return to.Bytes(info.Span).Written;
    }

    private static bool Apply(ReadOnlyMemory<byte> payload, ref (string Id, CopyState State, ReadOnlyMemory<byte> Info)? state, ref LogCopy? copy)
    {
        try
        {
            var from = new WireReader(payload);
            switch (from.Byte())
            {
                case StateKind:
                    state = (from.Text(), DecodeLineage(from), from.Bytes());
                    copy?.SetState(state.Value.State);
                    copy?.Info = state.Value.Info;
                    return true;
                case SnapshotKind when state is { } known:
                    var at = from.Long();
                    copy = new LogCopy(known.Id, known.State, at, from.Rest(), known.Info);
                    return true;
                case EntryKind when copy is not null && from.Long() == copy.Last + 1:
                    copy.Append(from.Rest());
                    return true;
                default:
                    return false;
            }
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private static void WriteRecord(Stream to, ReadOnlyMemory<byte> payload)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(header, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], Checksum(payload.Span));
        to.Write(header);
        to.Write(payload.Span);
    }

    private static ReadOnlyMemory<byte>? RecordAt(ReadOnlyMemory<byte> file, int at)
    {
        var header = file.Span[at..];
        if (header.Length < HeaderBytes || BinaryPrimitives.ReadUInt32LittleEndian(header) != Magic)
        {
            return null;
        }
        var length = BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
        if (length <= 0 || length > header.Length - HeaderBytes)
        {
            return null;
        }
        var payload = file.Slice(at + HeaderBytes, length);
        return Checksum(payload.Span) == BinaryPrimitives.ReadUInt32LittleEndian(header[8..]) ? payload : null;
    }

    private static bool HasRecordBehind(ReadOnlyMemory<byte> file, int at)
    {
        Span<byte> magic = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(magic, Magic);
        for (var next = at + 1; next < file.Length; next++)
        {
            var found = file.Span[next..].IndexOf(magic);
            if (found < 0)
            {
                return false;
            }
            next += found;
            if (RecordAt(file, next) is not null)
            {
                return true;
            }
        }
        return false;
    }

    private static uint Checksum(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        var words = MemoryMarshal.Cast<byte, ulong>(data);
        foreach (var word in words)
        {
            crc = BitOperations.Crc32C(crc, word);
        }
        foreach (var single in data[(words.Length * sizeof(ulong))..])
        {
            crc = BitOperations.Crc32C(crc, single);
        }
        return ~crc;
    }
}
