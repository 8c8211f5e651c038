using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Livebook.Cluster.Discovery;
using Livebook.Cluster.Links;

namespace Livebook.Cluster.Membership;

/// <summary>Asks an address who it is and how far, beside Akka: also who is no member, and who was put out, gets an answer.</summary>
internal sealed class Prober(NodeLinks links)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    public async Task<Probed> ProbeAsync(IPAddress address, CancellationToken stop)
    {
        try
        {
            await using var link = await links.DialAsync(address, LinkKind.Probe, Patience, stop);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
            limit.CancelAfter(Patience);
            var reply = await ProbeReply.ReadAsync(link.Stream, limit.Token);
            return new(address, ProbeOutcome.Answered, reply, link.Peer.Incarnation);
        }
        catch (StrangerException e)
        {
            return new(address, ProbeOutcome.Stranger, Reason: e.Message);
        }
        catch (SocketException e)
        {
            return new(address, e.SocketErrorCode == SocketError.ConnectionRefused ? ProbeOutcome.Refused : ProbeOutcome.Silent);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new(address, ProbeOutcome.Silent);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or ObjectDisposedException)
        {
            return new(address, ProbeOutcome.Silent);
        }
    }

    /// <summary>Answers somebody else's probe.</summary>
    public static async Task AnswerAsync(OpenLink link, ProbeReply reply, CancellationToken stop)
    {
        await using (link)
        {
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
                limit.CancelAfter(Patience);
                await link.Stream.WriteAsync(reply.ToBytes(), limit.Token);
                await ((SslStream)link.Stream).ShutdownAsync();
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
            {
                // Whoever asked does not wait any more.
            }
        }
    }
}
