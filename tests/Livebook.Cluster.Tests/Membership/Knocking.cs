using System.Net;
using System.Net.Sockets;

namespace Livebook.Cluster.Tests.Membership;

/// <summary>Somebody who connects again and again and says nothing.</summary>
internal static class Knocking
{
    /// <summary>How many of the connections were refused until <paramref name="stop"/>.</summary>
    public static async Task<int> CountRefusedAsync(string address, int port, CancellationToken stop)
    {
        var refused = 0;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Parse(address), port, stop);
                await Task.Delay(20, stop);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
            {
                refused++;
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }
        return refused;
    }
}
