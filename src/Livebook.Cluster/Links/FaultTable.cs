using System.IO.MemoryMappedFiles;
using System.Net;
using System.Text;

namespace Livebook.Faults;

/// <summary>What is wrong with one direction between two nodes.</summary>
/// <param name="Cut">Nothing arrives; what is sent waits until the cut heals, as with TCP.</param>
/// <param name="DelayMilliseconds">Everything arrives this much later.</param>
/// <param name="BytesPerSecond">At most; 0 = as much as there is.</param>
/// <param name="LossPermille">Of a thousand pieces, how many have to be sent again, which costs a pause.</param>
internal readonly record struct LinkFault(bool Cut, int DelayMilliseconds = 0, int BytesPerSecond = 0, int LossPermille = 0)
{
    public bool IsNone => this == default;
}

/// <summary>
/// A file that a drill writes and its nodes map into memory: one <see cref="LinkFault"/> per ordered pair of nodes. A node has one only when it was
/// started with it; nothing else makes links faulty.
/// </summary>
internal sealed class FaultTable : IDisposable
{
    private const int Magic = 0x4c42_4654;
    private const int NameBytes = 48;
    private const int MaximumNodes = 32;
    private const int RuleBytes = 16;
    private const int HeadBytes = 8;
    private const int Bytes = HeadBytes + MaximumNodes * NameBytes + MaximumNodes * MaximumNodes * RuleBytes;

    private readonly MemoryMappedFile file;
    private readonly MemoryMappedViewAccessor view;
    private readonly Dictionary<string, int> indexes = [];

    private FaultTable(MemoryMappedFile file, MemoryMappedFileAccess access)
    {
        this.file = file;
        view = file.CreateViewAccessor(0, Bytes, access);
    }

    /// <summary>Makes the file, with no faults.</summary>
    /// <param name="nodes">The nodes' IP addresses, 32 at most.</param>
    public static FaultTable Create(string path, IReadOnlyList<string> nodes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(nodes.Count, MaximumNodes);
        using (var created = new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            created.SetLength(Bytes);
        }
        var table = new FaultTable(MemoryMappedFile.CreateFromFile(path, FileMode.Open), MemoryMappedFileAccess.ReadWrite);
        for (var i = 0; i < nodes.Count; i++)
        {
            var name = new byte[NameBytes];
            Encoding.ASCII.GetBytes(nodes[i], name);
            table.view.WriteArray(HeadBytes + i * NameBytes, name, 0, NameBytes);
            table.indexes[nodes[i]] = i;
        }
        table.view.Write(4, nodes.Count);
        table.view.Write(0, Magic);
        return table;
    }

    /// <summary>Opens a file that a drill made.</summary>
    /// <exception cref="IOException">There is none, or it is something else.</exception>
    public static FaultTable Open(string path)
    {
        FaultTable table;
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            if (stream.Length != Bytes)
            {
                throw new InvalidDataException();
            }
            table = new(
                MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false),
                MemoryMappedFileAccess.Read
            );
        }
        catch (Exception e) when (e is InvalidDataException or UnauthorizedAccessException)
        {
            throw new IOException($"{path} is not a drill's table of faults.", e);
        }
        if (table.view.ReadInt32(0) != Magic)
        {
            table.Dispose();
            throw new IOException($"{path} is not a drill's table of faults.");
        }
        var name = new byte[NameBytes];
        for (var i = 0; i < table.view.ReadInt32(4); i++)
        {
            table.view.ReadArray(HeadBytes + i * NameBytes, name, 0, NameBytes);
            table.indexes[Encoding.ASCII.GetString(name).TrimEnd('\0')] = i;
        }
        return table;
    }

    /// <summary>What is wrong now on the way between two addresses; none for addresses that the table does not name.</summary>
    public LinkFault this[string from, string to]
    {
        get =>
            PlaceOf(from, to) is { } place
                ? new(view.ReadInt32(place) != 0, view.ReadInt32(place + 4), view.ReadInt32(place + 8), view.ReadInt32(place + 12))
                : default;
        set
        {
            var place = PlaceOf(from, to) ?? throw new ArgumentException($"the table does not name {from} and {to}");
            view.Write(place, value.Cut ? 1 : 0);
            view.Write(place + 4, value.DelayMilliseconds);
            view.Write(place + 8, value.BytesPerSecond);
            view.Write(place + 12, value.LossPermille);
        }
    }

    /// <inheritdoc cref="this[string, string]"/>
    public LinkFault this[IPAddress from, IPAddress to] => this[from.ToString(), to.ToString()];

    private int? PlaceOf(string from, string to) =>
        indexes.TryGetValue(from, out var row) && indexes.TryGetValue(to, out var column)
            ? HeadBytes + MaximumNodes * NameBytes + (row * MaximumNodes + column) * RuleBytes
            : null;

    public void Dispose()
    {
        view.Dispose();
        file.Dispose();
    }
}
