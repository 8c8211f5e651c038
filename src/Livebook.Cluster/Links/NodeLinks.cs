using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Livebook.Faults;
using Microsoft.Extensions.Logging;

namespace Livebook.Cluster.Links;

/// <summary>What a connection is for; the first byte after the handshake.</summary>
internal enum LinkKind : byte
{
    Association = (byte)'A',
    Probe = (byte)'P',
}

/// <summary>An authenticated connection of either direction.</summary>
internal sealed record OpenLink(LinkKind Kind, Stream Stream, Hello Peer, IPAddress Address) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Stream.DisposeAsync();
}

/// <summary>
/// The node's port: listens, dials, and lets nobody through who does not hold the cookie.
/// Stays open while the engine behind it is recreated, so that a refused connection means a dead process.
/// </summary>
internal sealed partial class NodeLinks(IPEndPoint self, Identities identities, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    /// <summary>Connections that may be in their handshake at once; more are closed unheard.</summary>
    public const int MaximumUnknown = 64;

    /// <summary>A handshake that takes longer is given up.</summary>
    public static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource closing = new();
    private readonly ConcurrentDictionary<Socket, byte> open = new();
    private readonly Socket listener = new(self.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
    private Task accepting = Task.CompletedTask;
    private int unknown;
    private int connections;

    /// <summary>What this node says of itself now. Set before <see cref="Start"/>.</summary>
    public required Func<Hello> Greeting { get; init; }

    /// <summary>Takes a connection that was let in, and owns it from then on.</summary>
    public required Func<OpenLink, CancellationToken, Task> Accepted { get; init; }

    /// <summary>Told about every caller who was not let in.</summary>
    public required Action<IPAddress, string> Refused { get; init; }

    /// <summary>Only in a drill: what is wrong with the links.</summary>
    public FaultTable? Faults { get; init; }

    public IPEndPoint Self => self;

    /// <summary>Opens the port.</summary>
    /// <exception cref="IOException">The port is taken, or the address is not this machine's.</exception>
    public void Start()
    {
        try
        {
            listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            listener.Bind(self);
            listener.Listen(128);
        }
        catch (SocketException e)
        {
            throw new IOException(
                $"Cannot listen for other nodes on {self}: {e.Message}. LIVEBOOK_NODE must name an address of this machine, and the port must be free.",
                e
            );
        }
        LogListening(logger, self);
        accepting = AcceptAsync();
    }

    /// <summary>Connects, authenticates and greets.</summary>
    /// <exception cref="SocketException">Nobody there, or no way to it.</exception>
    /// <exception cref="StrangerException">Somebody is there who is not one of us.</exception>
    /// <exception cref="OperationCanceledException">It took too long.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public async Task<OpenLink> DialAsync(IPAddress address, LinkKind kind, TimeSpan timeout, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop, closing.Token);
        using var timer = time.CreateTimer(_ => limit.Cancel(), null, timeout, Timeout.InfiniteTimeSpan);
        StrangerException? refusal = null;
        foreach (var identity in identities.For(address))
        {
            try
            {
                var link = await DialAsync(address, kind, identity, limit.Token);
                identities.Remember(address, identity);
                return link;
            }
            catch (StrangerException e) when (e.Message == Reasons.OtherCookie)
            {
                refusal = e;
            }
        }
        throw refusal!;
    }

    private async Task<OpenLink> DialAsync(IPAddress address, LinkKind kind, Identity identity, CancellationToken stop)
    {
        var socket = new Socket(self.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Bind(new IPEndPoint(self.Address, 0));
            if (Faults is { } faults)
            {
                await PassableAsync(faults, address, stop);
            }
            await socket.ConnectAsync(new IPEndPoint(address, self.Port), stop);
            var stream = new SslStream(Track(socket, address), leaveInnerStreamOpen: false);
            try
            {
                await AuthenticateAsync(stream, AsCaller(stream, identity, stop), () => identity);
                await stream.WriteAsync(new[] { (byte)kind }, stop);
                await Greeting().WriteAsync(stream, stop);
                var theirs = await Hello.ReadAsync(stream, stop);
                if (Greeting().Refuse(theirs) is { } reason)
                {
                    throw new StrangerException(reason);
                }
                if (!address.Equals(NodeName.AddressOf(theirs.Node)))
                {
                    throw new StrangerException(Reasons.OtherName(theirs.Node));
                }
                return new(kind, stream, theirs, address);
            }
            catch
            {
                await stream.DisposeAsync();
                throw;
            }
        }
        catch
        {
            socket.Dispose();
            open.TryRemove(socket, out _);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync();
        listener.Dispose();
        await accepting;
        foreach (var socket in open.Keys)
        {
            socket.Dispose();
        }
        identities.Dispose();
        closing.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!closing.IsCancellationRequested)
        {
            try
            {
                var socket = await listener.AcceptAsync(closing.Token);
                if (Interlocked.Increment(ref unknown) > MaximumUnknown)
                {
                    Interlocked.Decrement(ref unknown);
                    socket.Dispose();
                    continue;
                }
                _ = WelcomeAsync(socket);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e) when (!closing.IsCancellationRequested)
            {
                // Out of file handles, or a caller that was gone before it was accepted: the port must stay open.
                LogAcceptFailed(logger, e.Message);
                await Task.Delay(TimeSpan.FromMilliseconds(50), time, CancellationToken.None);
            }
            catch (SocketException)
            {
                return;
            }
        }
    }

    private async Task WelcomeAsync(Socket socket)
    {
        var address = IPAddress.None;
        SslStream? stream = null;
        OpenLink? link = null;
        var counted = true;
        try
        {
            // Throws when the caller has reset the connection already.
            address = ((IPEndPoint)socket.RemoteEndPoint!).Address;
            using (var limit = CancellationTokenSource.CreateLinkedTokenSource(closing.Token))
            using (time.CreateTimer(_ => limit.Cancel(), null, HandshakeTimeout, Timeout.InfiniteTimeSpan))
            {
                socket.NoDelay = true;
                stream = new SslStream(Track(socket, address), leaveInnerStreamOpen: false);
                link = await GreetAsync(stream, address, limit.Token);
            }
            Interlocked.Decrement(ref unknown);
            counted = false;
            await Accepted(link, closing.Token);
        }
        catch (StrangerException e)
        {
            Refused(address, e.Message);
        }
        catch (OperationCanceledException)
        {
            if (!closing.IsCancellationRequested && link is null)
            {
                Refused(address, Reasons.SaidNothing);
            }
        }
        catch (Exception)
        {
            // Whatever a caller provokes ends here, and costs it only its own connection.
            if (link is null && !closing.IsCancellationRequested && !address.Equals(IPAddress.None))
            {
                Refused(address, Reasons.NoNode);
            }
        }
        finally
        {
            if (counted)
            {
                Interlocked.Decrement(ref unknown);
            }
            if (link is null)
            {
                await (stream?.DisposeAsync() ?? ValueTask.CompletedTask);
                socket.Dispose();
                open.TryRemove(socket, out _);
            }
        }
    }

    private async Task<OpenLink> GreetAsync(SslStream stream, IPAddress address, CancellationToken stop)
    {
        Identity? asked = null;
        await AuthenticateAsync(stream, AsCalled(stream, name => asked = identities.Of(name), stop), () => asked!);
        var first = new byte[1];
        await stream.ReadExactlyAsync(first, stop);
        var theirs = await Hello.ReadAsync(stream, stop);
        var mine = Greeting();
        // Told in any case, so that both sides know why they do not join.
        await mine.WriteAsync(stream, stop);
        if (mine.Refuse(theirs) is { } reason)
        {
            throw new StrangerException(reason);
        }
        return (LinkKind)first[0] is var kind && Enum.IsDefined(kind)
            ? new(kind, stream, theirs, NodeName.AddressOf(theirs.Node) ?? address)
            : throw new StrangerException(Reasons.NoNode);
    }

#pragma warning disable CA5359 // Certificates are checked by pin, right behind the handshake.
    private static Task AsCaller(SslStream stream, Identity identity, CancellationToken stop) =>
        stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = identity.ServerName,
                ClientCertificateContext = identity.Context,
                EnabledSslProtocols = SslProtocols.Tls13,
                AllowTlsResume = false,
                CertificateChainPolicy = NoChain(),
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
            },
            stop
        );

    private static Task AsCalled(SslStream stream, Func<string, Identity> identityOf, CancellationToken stop) =>
        stream.AuthenticateAsServerAsync(
            (_, hello, _, _) =>
                ValueTask.FromResult(
                    new SslServerAuthenticationOptions
                    {
                        ServerCertificateContext = identityOf(hello.ServerName).Context,
                        ClientCertificateRequired = true,
                        EnabledSslProtocols = SslProtocols.Tls13,
                        AllowTlsResume = false,
                        CertificateChainPolicy = NoChain(),
                        RemoteCertificateValidationCallback = (_, _, _, _) => true,
                    }
                ),
            null,
            stop
        );
#pragma warning restore CA5359

    /// <summary>
    /// TLS itself accepts any certificate: the pin is compared right behind it, before a byte is read or written,
    /// so that both sides learn the reason (a refusal inside TLS 1.3 reaches the other one as a bare broken connection).
    /// </summary>
    private static async Task AuthenticateAsync(SslStream stream, Task handshake, Func<Identity> identity)
    {
        try
        {
            await handshake;
        }
        catch (AuthenticationException)
        {
            throw new StrangerException(Reasons.NoNode);
        }
        if (identity().Refuse(stream.RemoteCertificate) is { } reason)
        {
            throw new StrangerException(reason);
        }
    }

    private Stream Track(Socket socket, IPAddress peer)
    {
        open[socket] = 0;
        var stream = new TrackedStream(socket, open);
        return Faults is { } faults ? new FaultyStream(stream, () => faults[self.Address, peer], time, Interlocked.Increment(ref connections)) : stream;
    }

    /// <summary>A connection is made by packets of both directions.</summary>
    private async Task PassableAsync(FaultTable faults, IPAddress peer, CancellationToken stop)
    {
        while (faults[self.Address, peer].Cut || faults[peer, self.Address].Cut)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), time, stop);
        }
    }

    /// <summary>A stranger's certificate must not make this node fetch anything.</summary>
    private static X509ChainPolicy NoChain() =>
        new()
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            DisableCertificateDownloads = true,
            RevocationMode = X509RevocationMode.NoCheck,
        };

    private sealed class TrackedStream(Socket socket, ConcurrentDictionary<Socket, byte> open) : NetworkStream(socket, ownsSocket: true)
    {
        private readonly Socket tracked = socket;

        protected override void Dispose(bool disposing)
        {
            open.TryRemove(tracked, out _);
            base.Dispose(disposing);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Listening for other nodes on {EndPoint}")]
    private static partial void LogListening(ILogger logger, IPEndPoint endPoint);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Could not accept a connection from another node: {Reason}")]
    private static partial void LogAcceptFailed(ILogger logger, string reason);
}
