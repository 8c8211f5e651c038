using System.Net;
using System.Net.Sockets;

namespace Livebook.Drill.Nodes;

/// <summary>Somebody else's web server at the port of node links: an address that was given to another machine.</summary>
internal sealed class StrangeServer : IDisposable
{
    private const int NodePort = 13825;

    private readonly TcpListener _listener;

    public StrangeServer(string address)
    {
        Address = address;
        _listener = new TcpListener(IPAddress.Parse(address), NodePort);
        _listener.Start();
        _ = ServeAsync();
    }

    public string Address { get; }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var caller = await _listener.AcceptSocketAsync();
                await caller.SendAsync("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"u8.ToArray());
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Closed.
        }
    }

    public void Dispose() => _listener.Dispose();
}
