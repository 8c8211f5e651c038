using System.Collections.Immutable;
using Livebook.Cluster;

namespace Livebook.Server.Tests.Sessions;

/// <summary>A real node whose messages may get lost and whose disk may refuse.</summary>
internal sealed class TestCluster(ICluster inner) : ICluster
{
    /// <summary>Whether a message without an answer is lost; asked with its channel and bytes.</summary>
    public Func<string, ReadOnlyMemory<byte>, bool> Loses { get; set; } = (_, _) => false;

    /// <summary>What the disk says to every append.</summary>
    public IOException? DiskError { get; set; }

    public string Self => inner.Self;

    public NodeStatus Status => inner.Status;

    public ImmutableArray<MemberInfo> Members => inner.Members;

    public ImmutableArray<Stranger> Strangers => inner.Strangers;

    public DiscoveryInfo Discovery => inner.Discovery;

    public ImmutableDictionary<string, LogEntryInfo> Logs => inner.Logs;

    public event Action? Changed
    {
        add => inner.Changed += value;
        remove => inner.Changed -= value;
    }

    public ImmutableDictionary<string, LogEntryInfo> Away => inner.Away;

    public bool IsDraining => inner.IsDraining;

    public bool MayExist(string id) => inner.MayExist(id);

    public string PlaceFor(string id) => inner.PlaceFor(id);

    public void BeginDrain() => inner.BeginDrain();

    public Task HandOverAsync(string id, CancellationToken stop) => inner.HandOverAsync(id, stop);

    public string LeastLoaded() => inner.LeastLoaded();

    public async Task<IOwnedLog> CreateAsync(string id, ReadOnlyMemory<byte> snapshot, ReadOnlyMemory<byte> info, CancellationToken stop) =>
        new Log(this, await inner.CreateAsync(id, snapshot, info, stop));

    public void Handle(string channel, Func<string, ReadOnlyMemory<byte>, CancellationToken, Task<ReadOnlyMemory<byte>>> handler) =>
        inner.Handle(channel, handler);

    public void Listen(string channel, Action<string, ReadOnlyMemory<byte>> listener) => inner.Listen(channel, listener);

    public Task<ReadOnlyMemory<byte>> RequestAsync(string node, string channel, ReadOnlyMemory<byte> payload, CancellationToken stop) =>
        inner.RequestAsync(node, channel, payload, stop);

    public void Tell(string node, string channel, ReadOnlyMemory<byte> payload)
    {
        if (!Loses(channel, payload))
            inner.Tell(node, channel, payload);
    }

    public Task PromoteAsync(CancellationToken stop) => inner.PromoteAsync(stop);

    public Task StartAsync(ILogHost host, CancellationToken stop) => inner.StartAsync(new Host(this, host), stop);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private sealed class Host(TestCluster cluster, ILogHost host) : ILogHost
    {
        public Task AdoptAsync(IOwnedLog log, LogContents contents, OwnershipReason reason, CancellationToken stop) =>
            host.AdoptAsync(new Log(cluster, log), contents, reason, stop);

        public Task ReleaseAsync(string id, OwnershipReason reason) => host.ReleaseAsync(id, reason);
    }

    private sealed class Log(TestCluster cluster, IOwnedLog log) : IOwnedLog
    {
        public string Id => log.Id;

        public long Epoch => log.Epoch;

        public string? Standby => log.Standby;

        public Task AppendAsync(IReadOnlyList<ReadOnlyMemory<byte>> entries, CancellationToken stop) =>
            cluster.DiskError is { } error ? Task.FromException(error) : log.AppendAsync(entries, stop);

        public Task CompactAsync(ReadOnlyMemory<byte> snapshot, CancellationToken stop) => log.CompactAsync(snapshot, stop);

        public void SetInfo(ReadOnlyMemory<byte> info) => log.SetInfo(info);

        public Task DeleteAsync(CancellationToken stop) => log.DeleteAsync(stop);
    }
}
