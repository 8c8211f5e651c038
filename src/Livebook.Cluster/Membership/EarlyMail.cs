namespace Livebook.Cluster.Membership;

/// <summary>Messages from nodes that this one does not know as members yet. Bounded in bytes and time; what does not fit is lost.</summary>
internal sealed class EarlyMail(TimeProvider time)
{
    public const int MaximumBytes = 32 * 1024 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Queue<(MeshMessage.Payload Payload, long At)> waiting = [];
    private long bytes;

    public void Keep(MeshMessage.Payload payload)
    {
        while (waiting.TryPeek(out var oldest) && time.GetElapsedTime(oldest.At) > Patience)
        {
            bytes -= waiting.Dequeue().Payload.Bytes.Length;
        }
        if (bytes + payload.Bytes.Length <= MaximumBytes)
        {
            waiting.Enqueue((payload, time.GetTimestamp()));
            bytes += payload.Bytes.Length;
        }
    }

    /// <summary>What came from an incarnation, in order, and no longer kept.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Take(long incarnation)
    {
        var taken = new List<ReadOnlyMemory<byte>>();
        for (var left = waiting.Count; left > 0; left--)
        {
            var entry = waiting.Dequeue();
            if (entry.Payload.From != incarnation)
            {
                waiting.Enqueue(entry);
                continue;
            }
            bytes -= entry.Payload.Bytes.Length;
            if (time.GetElapsedTime(entry.At) <= Patience)
            {
                taken.Add(entry.Payload.Bytes);
            }
        }
        return taken;
    }
}
