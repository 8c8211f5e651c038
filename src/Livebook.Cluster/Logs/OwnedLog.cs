namespace Livebook.Cluster.Logs;

/// <summary>The owner's hand on its log. Everything happens on the node's loop; this only carries the calls there.</summary>
internal sealed class OwnedLog(LogKeeper keeper, HeldLog held, long epoch) : IOwnedLog
{
    private long currentEpoch = epoch;
    private volatile string? standby;

    public string Id => held.Id;

    public long Epoch => Interlocked.Read(ref currentEpoch);

    public string? Standby => standby;

    public Task AppendAsync(IReadOnlyList<ReadOnlyMemory<byte>> entries, CancellationToken stop) => keeper.AppendAsync(held, this, entries, stop);

    public Task CompactAsync(ReadOnlyMemory<byte> snapshot, CancellationToken stop) => keeper.CompactAsync(held, this, snapshot, stop);

    public void SetInfo(ReadOnlyMemory<byte> info) => keeper.SetInfo(held, this, info);

    public Task DeleteAsync(CancellationToken stop) => keeper.DeleteAsync(held, this, stop);

    internal void Update(long newEpoch, string? newStandby)
    {
        Interlocked.Exchange(ref currentEpoch, newEpoch);
        standby = newStandby;
    }
}
