using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Remote.Transport;
using Microsoft.Extensions.Logging;

namespace Livebook.Cluster.Links;

/// <summary>Hands the node's links to the transport that Akka makes by reflection.</summary>
internal sealed class LinkSetup(NodeLinks links, LinkSwitch board, ILogger logger) : Setup
{
    /// <summary>Where Akka's own log goes.</summary>
    public ILogger Logger => logger;
    public NodeLinks Links => links;
    public LinkSwitch Board => board;
}

/// <summary>Where the port finds the transport of the current engine; there is none while it is recreated.</summary>
internal sealed class LinkSwitch(TimeProvider time)
{
    private readonly ConcurrentDictionary<PeerKey, long> heard = new();
    private volatile LinkTransport? current;

    /// <summary>Raised, on any thread, when a connection with a node ended.</summary>
    public event Action<IPAddress>? Closed;

    public void Attach(LinkTransport transport) => current = transport;

    public void Detach(LinkTransport transport) => Interlocked.CompareExchange(ref current, null, transport);

    /// <summary>Gives a connection to the engine; false when there is none.</summary>
    public bool TryAccept(OpenLink link) => current?.TryAccept(link) ?? false;

    public void RaiseClosed(IPAddress address) => Closed?.Invoke(address);

    /// <summary>Monotonic time stamp of the last bytes from this incarnation of a node; 0 when there were none.</summary>
    public long LastHeard(PeerKey peer) => heard.GetValueOrDefault(peer);

    public void NoteHeard(PeerKey peer) => heard[peer] = time.GetTimestamp();

    /// <summary>Drops what is known of a node that is no member any more.</summary>
    public void Forget(PeerKey peer) => heard.TryRemove(peer, out _);
}

/// <summary>Akka's transport over <see cref="NodeLinks"/>.</summary>
internal sealed class LinkTransport : Transport
{
    public const string Scheme = "lb";
    public const string SystemName = "livebook";

    private const byte Taken = 1;
    private const byte NotReady = 0;

    private readonly NodeLinks links;
    private readonly LinkSwitch board;
    private readonly Address local;
    private readonly TimeSpan timeout;
    private readonly ConcurrentDictionary<LinkHandle, byte> handles = new(ReferenceEqualityComparer.Instance);
    private volatile IAssociationEventListener? listener;
    private volatile bool ended;

    public LinkTransport(ActorSystem system, Config config)
    {
        System = system;
        Config = config;
        SchemeIdentifier = Scheme;
        MaximumPayloadBytes = config.GetByteSize("maximum-frame-size", null) ?? throw new ConfigurationException("maximum-frame-size is missing.");
        timeout = config.GetTimeSpan("connection-timeout");
        var setup = system.Settings.Setup.Get<LinkSetup>().Value;
        (links, board) = (setup.Links, setup.Board);
        local = AddressOf(links.Self.Address, links.Self.Port);
    }

    /// <summary>The transport's address of a node.</summary>
    public static Address AddressOf(IPAddress address, int port, string scheme = Scheme) => new(scheme, SystemName, Host(address), port);

    /// <summary>The IP address inside an address of Akka.</summary>
    public static IPAddress? IpOf(Address address) => address.Host is { } host && IPAddress.TryParse(host.Trim('[', ']'), out var ip) ? ip : null;

    public override Task<(Address, TaskCompletionSource<IAssociationEventListener>)> Listen()
    {
        var promise = new TaskCompletionSource<IAssociationEventListener>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = OpenAsync(promise.Task);
        return Task.FromResult((local, promise));
    }

    public override bool IsResponsibleFor(Address remote) => true;

    public override async Task<AssociationHandle> Associate(Address remoteAddress)
    {
        if (IpOf(remoteAddress) is not { } ip)
        {
            throw new InvalidAssociationException($"{remoteAddress} holds no IP address.");
        }
        OpenLink? link = null;
        try
        {
            link = await links.DialAsync(ip, LinkKind.Association, timeout, CancellationToken.None);
            var answer = new byte[1];
            using var limit = new CancellationTokenSource(timeout);
            await link.Stream.ReadExactlyAsync(answer, limit.Token);
            if (answer[0] != Taken)
            {
                throw new InvalidAssociationException($"{remoteAddress} is not ready.");
            }
            var handle = Open(link, remoteAddress);
            link = null;
            return handle;
        }
        catch (Exception e)
            when (e is SocketException or StrangerException or OperationCanceledException or IOException or InvalidDataException or ObjectDisposedException)
        {
            throw new InvalidAssociationException($"No link with {remoteAddress}: {e.Message}", e);
        }
        finally
        {
            if (link is not null)
            {
                await link.DisposeAsync();
            }
        }
    }

    public override Task<bool> Shutdown()
    {
        ended = true;
        board.Detach(this);
        foreach (var handle in handles.Keys)
        {
            handle.Abort();
        }
        return Task.FromResult(true);
    }

    /// <summary>Takes a connection that a peer opened; false when this engine does not listen (any more).</summary>
    public bool TryAccept(OpenLink link)
    {
        if (ended || listener is not { } akka)
        {
            return false;
        }
        _ = AnswerAsync(link, akka);
        return true;
    }

    /// <summary>Tells the caller that there is no engine now.</summary>
    public static async Task RejectAsync(OpenLink link)
    {
        await using (link)
        {
            try
            {
                await link.Stream.WriteAsync(new[] { NotReady });
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // Gone already.
            }
        }
    }

    private async Task AnswerAsync(OpenLink link, IAssociationEventListener akka)
    {
        try
        {
            await link.Stream.WriteAsync(new[] { Taken });
            akka.Notify(new InboundAssociation(Open(link, AddressOf(link.Address, links.Self.Port))));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            await link.DisposeAsync();
        }
    }

    private LinkHandle Open(OpenLink link, Address remote)
    {
        var peer = new PeerKey(link.Address.ToString(), link.Peer.Incarnation);
        var handle = new LinkHandle(
            local,
            remote,
            link.Stream,
            (int)MaximumPayloadBytes,
            () => board.NoteHeard(peer),
            ended =>
            {
                handles.TryRemove(ended, out _);
                board.RaiseClosed(link.Address);
            }
        );
        handles[handle] = 0;
        handle.Start();
        if (ended)
        {
            handle.Abort();
        }
        return handle;
    }

    private async Task OpenAsync(Task<IAssociationEventListener> ready)
    {
        listener = await ready;
        if (!ended)
        {
            board.Attach(this);
        }
    }

    private static string Host(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();
}
