using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Livebook.Cluster.Tests.Membership;

/// <summary>A name server that answers every question with the same addresses, or with an error.</summary>
public sealed class TinyDns : IAsyncDisposable
{
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly Task serving;
    private volatile string[] addresses;
    private volatile int errorCode;
    private volatile int most = int.MaxValue;
    private volatile bool silent;
    private int asked;

    public TinyDns(params string[] addresses)
    {
        this.addresses = addresses;
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        serving = ServeAsync();
    }

    public IPEndPoint EndPoint => (IPEndPoint)socket.LocalEndPoint!;

    public void Answer(params string[] now) => (addresses, errorCode) = (now, 0);

    /// <summary>Answers with an error from now on: 2 = server failure, 3 = no such name.</summary>
    public void Fail(int code) => errorCode = code;

    /// <summary>Questions that came.</summary>
    public int Asked => asked;

    /// <summary>Answers with so many of the addresses at most, by chance, as Cloud Map does with eight.</summary>
    public void AnswerAtMost(int number) => most = number;

    /// <summary>Takes questions and answers none.</summary>
    public void Silence() => silent = true;

    public async ValueTask DisposeAsync()
    {
        socket.Dispose();
        await serving;
    }

    private async Task ServeAsync()
    {
        var buffer = new byte[512];
        while (true)
        {
            try
            {
                var got = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
                Interlocked.Increment(ref asked);
                if (silent)
                {
                    continue;
                }
                await socket.SendToAsync(Reply(buffer.AsSpan(0, got.ReceivedBytes)), got.RemoteEndPoint);
            }
            catch (Exception e) when (e is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                return;
            }
            catch (SocketException)
            {
                // Whoever asked is gone.
            }
        }
    }

    private byte[] Reply(ReadOnlySpan<byte> query)
    {
        var end = 12;
        while (query[end] != 0)
        {
            end += query[end] + 1;
        }
        var question = query[12..(end + 5)];
        var wanted = BinaryPrimitives.ReadUInt16BigEndian(query[(end + 1)..]);
        var error = errorCode;
        var answers =
            error != 0 ? [] : addresses.Select(IPAddress.Parse).Where(a => a.GetAddressBytes().Length == (wanted == 28 ? 16 : 4)).Shuffle().Take(most).ToList();
        var reply = new List<byte>([query[0], query[1], 0x81, (byte)(0x80 | error), 0, 1, 0, (byte)answers.Count, 0, 0, 0, 0]);
        reply.AddRange(question);
        foreach (var bytes in answers.Select(address => address.GetAddressBytes()))
        {
            reply.AddRange([0xc0, 12, 0, (byte)wanted, 0, 1, 0, 0, 0, 1, 0, (byte)bytes.Length, .. bytes]);
        }
        return [.. reply];
    }
}
