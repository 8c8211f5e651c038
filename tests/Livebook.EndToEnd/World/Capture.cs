using System.Buffers.Binary;
using System.Collections.Immutable;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Livebook.EndToEnd.World;

/// <summary>Everything that goes over the loopback device from or to one TCP port, put together per direction. Needs root.</summary>
internal sealed class Capture : IDisposable
{
    private const int EveryProtocol = 3;
    private const int SocketLevel = 1;
    private const int ForcedReceiveBuffer = 33;
    private const int BufferBytes = 64 * 1024 * 1024;
    private const int EthernetBytes = 14;
    private const byte Tcp = 6;

    private readonly Socket _socket;
    private readonly ushort _port;
    private readonly Dictionary<(ulong From, ulong To), SortedDictionary<uint, byte[]>> _flows = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _reading;

    private Capture(ushort port)
    {
        _port = port;
        _socket = new Socket(AddressFamily.Packet, SocketType.Raw, (ProtocolType)(ushort)IPAddress.HostToNetworkOrder((short)EveryProtocol));
        _socket.SetRawSocketOption(SocketLevel, ForcedReceiveBuffer, BitConverter.GetBytes(BufferBytes));
        _reading = ReadAsync();
    }

    public static Capture Of(int port) => new((ushort)port);

    /// <summary>Ends, and returns the bytes of each direction of each connection.</summary>
    public async Task<ImmutableArray<byte[]>> EndAsync()
    {
        await _stop.CancelAsync();
        await _reading;
        return [.. _flows.Values.Select(flow => flow.Values.SelectMany(bytes => bytes).ToArray())];
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[128 * 1024];
        try
        {
            while (true)
                Take(buffer.AsSpan(0, await _socket.ReceiveAsync(buffer, _stop.Token)));
        }
        catch (OperationCanceledException)
        {
            // Ended.
        }
    }

    private void Take(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < EthernetBytes + 40 || frame[12] != 8 || frame[13] != 0)
            return;
        var ip = frame[EthernetBytes..];
        ip = ip[..Math.Min(ip.Length, BinaryPrimitives.ReadUInt16BigEndian(ip[2..]))];
        if (ip[9] != Tcp)
            return;
        var tcp = ip[((ip[0] & 15) * 4)..];
        var (from, to) = (BinaryPrimitives.ReadUInt16BigEndian(tcp), BinaryPrimitives.ReadUInt16BigEndian(tcp[2..]));
        var payload = tcp[((tcp[12] >> 4) * 4)..];
        if ((from != _port && to != _port) || payload.IsEmpty)
            return;
        var key = (Key(ip[12..16], from), Key(ip[16..20], to));
        if (!_flows.TryGetValue(key, out var flow))
            _flows[key] = flow = [];
        // Loopback shows each packet twice, on its way out and in.
        flow[BinaryPrimitives.ReadUInt32BigEndian(tcp[4..])] = payload.ToArray();
    }

    private static ulong Key(ReadOnlySpan<byte> address, ushort port) => ((ulong)BinaryPrimitives.ReadUInt32BigEndian(address) << 16) | port;

    /// <summary>How the word stands in the bytes: plain, as UTF-16, in base64, or any of these behind gzip or zlib. Null: it does not.</summary>
    public static string? Find(ReadOnlyMemory<byte> bytes, string word)
    {
        if (Plain(bytes.Span, word) is { } plain)
            return plain;
        // A compressed stream may begin anywhere.
        for (var at = 0; at < bytes.Length; at++)
        {
            foreach (var (name, open) in Decompressors(bytes.Span[at..]))
            {
                if (Plain(Inflate(bytes[at..], open), word) is { } form)
                    return $"{form} behind {name}";
            }
        }
        return null;
    }

    private static string? Plain(ReadOnlySpan<byte> bytes, string word)
    {
        foreach (var encoding in new[] { Encoding.UTF8, Encoding.Unicode })
        {
            var raw = encoding.GetBytes(word);
            if (bytes.IndexOf(raw) >= 0)
                return encoding.WebName;
            // In base64 a word looks different at each of three offsets; its first and last letters depend on its neighbours.
            for (var offset = 0; offset < 3; offset++)
            {
                var text = Convert.ToBase64String([.. new byte[offset], .. raw]);
                if (bytes.IndexOf(Encoding.ASCII.GetBytes(text[4..^4])) >= 0)
                    return $"base64 of {encoding.WebName}";
            }
        }
        return null;
    }

    private static IEnumerable<(string Name, Func<Stream, Stream> Open)> Decompressors(ReadOnlySpan<byte> bytes) =>
        bytes switch
        {
            [0x1f, 0x8b, 8, ..] => [("gzip", stream => new GZipStream(stream, CompressionMode.Decompress))],
            [0x78, 0x01 or 0x5e or 0x9c or 0xda, ..] => [("zlib", stream => new ZLibStream(stream, CompressionMode.Decompress))],
            _ => [],
        };

    private static byte[] Inflate(ReadOnlyMemory<byte> bytes, Func<Stream, Stream> open)
    {
        using var inflated = new MemoryStream();
        try
        {
            using var stream = open(new MemoryStream(bytes.ToArray()));
            stream.CopyTo(inflated);
        }
        catch (InvalidDataException)
        {
            // What came out before it broke off counts, too.
        }
        return inflated.ToArray();
    }

    public void Dispose()
    {
        _stop.Cancel();
        _socket.Dispose();
        _stop.Dispose();
    }
}
