using Livebook.Cluster.Messaging;
using Microsoft.Extensions.Logging;

namespace Livebook.Cluster.Logs;

/// <summary>Logs that were deleted, so that a node that was away does not bring them back. Kept for a day, on disk too; at most some thousands.</summary>
internal sealed class Tombstones(string path, TimeProvider time, ILogger log)
{
    public static readonly TimeSpan KeptFor = TimeSpan.FromHours(24);

    public const int Limit = 10_000;

    private readonly Dictionary<string, Tombstone> stones = [];
    private Task writing = Task.CompletedTask;

    public IReadOnlyCollection<Tombstone> All => stones.Values;

    /// <summary>Epoch at which the log was deleted; 0: it was not.</summary>
    public long EpochOf(string id) => stones.TryGetValue(id, out var stone) && time.GetUtcNow() - stone.At < KeptFor ? stone.Epoch : 0;

    public void Load()
    {
        if (!File.Exists(path))
        {
            return;
        }
        try
        {
            var from = new WireReader(File.ReadAllBytes(path));
            while (!from.AtEnd)
            {
                var stone = LogMessage.DecodeTombstone(from);
                stones[stone.Id] = stone;
            }
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            log.LogWarning("The list of deleted logs is not readable to its end: {Reason}", error.Message);
        }
    }

    /// <summary>Adds stones; completes when they are on the disk. A disk that refuses is logged.</summary>
    public Task AddAsync(IEnumerable<Tombstone> added)
    {
        var news = added.Where(stone => EpochOf(stone.Id) < stone.Epoch).ToList();
        if (news.Count == 0)
        {
            return Task.CompletedTask;
        }
        news.ForEach(stone => stones[stone.Id] = stone);
        var now = time.GetUtcNow();
        foreach (var old in stones.Values.Where(stone => now - stone.At >= KeptFor).ToList())
        {
            stones.Remove(old.Id);
        }
        foreach (var old in stones.Values.OrderBy(stone => stone.At).Take(stones.Count - Limit).ToList())
        {
            stones.Remove(old.Id);
        }
        var to = new WireWriter(stones.Count * 64);
        foreach (var stone in stones.Values)
        {
            LogMessage.EncodeTombstone(to, stone);
        }
        return writing = WriteAsync(writing, to.Written);
    }

    public Task FlushAsync() => writing;

    private async Task WriteAsync(Task before, ReadOnlyMemory<byte> bytes)
    {
        await before;
        await Task.Run(() =>
        {
            try
            {
                Disk.Replace(path, bytes.Span);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                log.LogError("Cannot store the list of deleted logs: {Reason}", error.Message);
            }
        });
    }
}
