using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Livebook.Bench;

/// <summary>.NET's diagnostic port of a process: a request over a Unix socket (dotnet/diagnostics, documentation/design-docs/ipc-protocol.md).</summary>
internal static class DiagnosticPort
{
    private const byte EventPipe = 0x02;
    private const byte CollectTracing = 0x02;
    private const byte StopTracing = 0x01;
    private const byte Okay = 0x00;
    private const int HeaderBytes = 20;

    /// <summary>Keyword that makes the runtime collect all garbage when a session begins.</summary>
    private const ulong CollectKeyword = 0x800000;

    private const uint Informational = 4;
    private const uint BufferMegabytes = 1;

    /// <summary>Makes a .NET process collect its garbage, all generations, and waits until it has.</summary>
    /// <exception cref="InvalidOperationException">The process has no diagnostic port, or refuses.</exception>
    public static async Task CollectAsync(int pid, CancellationToken stop)
    {
        using var session = await ConnectAsync(pid, stop);
        var id = await AskAsync(session, CollectTracing, Request(), stop);
        using (var control = await ConnectAsync(pid, stop))
        {
            // Stopping waits for the collection; the events must be read meanwhile.
            var stopped = AskAsync(control, StopTracing, id, stop);
            var buffer = new byte[64 * 1024];
            while (await session.ReceiveAsync(buffer, stop) > 0) { }
            await stopped;
        }
    }

    private static async Task<Socket> ConnectAsync(int pid, CancellationToken stop)
    {
        var path =
            Directory.EnumerateFiles(Path.GetTempPath(), $"dotnet-diagnostic-{pid}-*-socket").FirstOrDefault()
            ?? throw new InvalidOperationException($"process {pid} has no diagnostic port");
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static byte[] Request()
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(BufferMegabytes);
        // Format: nettrace.
        writer.Write(1u);
        // Providers.
        writer.Write(1u);
        writer.Write(CollectKeyword);
        writer.Write(Informational);
        WriteText(writer, "Microsoft-Windows-DotNETRuntime");
        WriteText(writer, "");
        writer.Flush();
        return bytes.ToArray();
    }

    /// <summary>UTF-16 with a final zero, behind its length in units.</summary>
    private static void WriteText(BinaryWriter writer, string text)
    {
        writer.Write(text.Length + 1);
        writer.Write(Encoding.Unicode.GetBytes(text + '\0'));
    }

    private static async Task<byte[]> AskAsync(Socket socket, byte command, byte[] payload, CancellationToken stop)
    {
        var message = new byte[HeaderBytes + payload.Length];
        "DOTNET_IPC_V1\0"u8.CopyTo(message);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(14), (ushort)message.Length);
        message[16] = EventPipe;
        message[17] = command;
        payload.CopyTo(message, HeaderBytes);
        await socket.SendAsync(message, stop);
        var header = await ReadAsync(socket, HeaderBytes, stop);
        var answer = await ReadAsync(socket, BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(14)) - HeaderBytes, stop);
        return header[17] == Okay ? answer : throw new InvalidOperationException($"the diagnostic port refuses: 0x{Convert.ToHexStringLower(answer)}");
    }

    private static async Task<byte[]> ReadAsync(Socket socket, int length, CancellationToken stop)
    {
        var bytes = new byte[length];
        for (var got = 0; got < length; )
        {
            var read = await socket.ReceiveAsync(bytes.AsMemory(got), stop);
            if (read == 0)
                throw new InvalidOperationException("the diagnostic port closed");
            got += read;
        }
        return bytes;
    }
}
