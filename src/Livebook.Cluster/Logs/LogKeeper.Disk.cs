using Livebook.Cluster.Messaging;
using Microsoft.Extensions.Logging;

namespace Livebook.Cluster.Logs;

/// <summary>Copies and their files.</summary>
internal sealed partial class LogKeeper
{
    /// <summary>Reads every log of this node's disk, off the loop. What cannot be read is reported and kept aside.</summary>
    public async Task LoadAsync()
    {
        var found = await Task.Run(() =>
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            tombstones.Load();
            foreach (var unfinished in Directory.EnumerateFiles(directory, "*.new").ToList())
            {
                File.Delete(unfinished);
            }
            return Directory.EnumerateFiles(directory, "*" + Disk.Extension).Order().Select(Load).OfType<HeldLog>().ToList();
        });
        await loop.AskAsync(() =>
        {
            foreach (var held in found)
            {
                logs[held.Id] = held;
                disks[held.Id] = held.Disk;
                Show(held);
            }
            return true;
        });
    }

    private HeldLog? Load(string path)
    {
        var file = Path.GetFileName(path);
        try
        {
            var contents = RecordFile.Read(File.ReadAllBytes(path));
            if (contents.Damage == FileDamage.TornTail && contents.Copy is not null)
            {
                log.LogWarning("The log file {File} ends in an incomplete record, left by a crash; it is cut off there.", file);
            }
            else if (contents.Damage is not null)
            {
                var aside = KeepAside(path, "corrupt");
                log.LogError(
                    "The log file {File} is damaged after {Bytes} bytes; what stands before is used, the whole is kept as {Aside}.",
                    file,
                    contents.GoodBytes,
                    aside
                );
            }
            if (contents.Copy is not { } copy)
            {
                File.Delete(path);
                return null;
            }
            return new HeldLog(copy.Id, copy, DiskLog.Continue(path, contents.GoodBytes, log), LogRole.Found) { DiskQueued = copy.Last };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            log.LogError("Cannot read the log file {File}: {Reason}", file, error.Message);
            return null;
        }
    }

    private string KeepAside(string path, string why)
    {
        var aside = path + AsideSuffix(why);
        File.Copy(path, aside, overwrite: true);
        return Path.GetFileName(aside);
    }

    private string AsideSuffix(string why) => $".{why}-{time.GetUtcNow():yyyyMMdd-HHmmss}";

    private DiskLog DiskFor(string id)
    {
        if (!disks.TryGetValue(id, out var disk))
        {
            disks[id] = disk = new DiskLog(Path.Combine(directory, Disk.FileName(id)), log);
        }
        return disk;
    }

    /// <summary>Queues what the disk lacks; a whole new file where the old one is no base to go on from.</summary>
    private Task WriteDisk(HeldLog held)
    {
        var copy = held.Copy;
        var from = held.DiskQueued;
        held.DiskQueued = copy.Last;
        if (from < copy.SnapshotAt || held.Disk.IsBroken)
        {
            return Watch(held, held.Disk.RewriteAsync(copy), copy.Last, durable: true);
        }
        if (from == copy.Last)
        {
            return Task.CompletedTask;
        }
        var bytes = new MemoryStream();
        foreach (var entry in copy.After(from))
        {
            RecordFile.WriteEntry(bytes, ++from, entry);
        }
        return Append(held, bytes);
    }

    /// <summary>Puts on record whose the log is from here on.</summary>
    private void WriteState(HeldLog held, CopyState state)
    {
        WriteDisk(held);
        held.Copy.SetState(state);
        var bytes = new MemoryStream();
        RecordFile.WriteState(bytes, held.Copy);
        Append(held, bytes);
    }

    private Task Append(HeldLog held, MemoryStream bytes)
    {
        var sync = held.Replication.Alone;
        return Watch(held, held.Disk.AppendAsync(bytes.GetBuffer().AsMemory(0, (int)bytes.Length), sync), held.Copy.Last, durable: sync);
    }

    private Task Watch(HeldLog held, Task write, long upTo, bool durable)
    {
        _ = ReportAsync(held, held.DiskGeneration, write, upTo, durable);
        return write;
    }

    private async Task ReportAsync(HeldLog held, int generation, Task write, long upTo, bool durable)
    {
        try
        {
            await write;
            if (durable)
            {
                loop.Post(() => OnDurable(held, generation, upTo));
            }
        }
        catch (IOException error)
        {
            loop.Post(() => OnDiskFailed(held, generation, error));
        }
    }

    private void OnDurable(HeldLog held, int generation, long upTo)
    {
        if (generation == held.DiskGeneration)
        {
            held.Replication.OnDurable(upTo);
            Complete(held);
        }
    }

    /// <summary>With a standby the entries are safe without this disk. Alone, they are nowhere: they are taken back and whoever waits is told.</summary>
    private void OnDiskFailed(HeldLog held, int generation, IOException error)
    {
        if (generation != held.DiskGeneration || stopped || logs.GetValueOrDefault(held.Id) != held)
        {
            return;
        }
        held.DiskGeneration++;
        held.DiskQueued = -1;
        if (held.Role == LogRole.Owner && held.Replication.Alone)
        {
            var keep = Math.Max(held.Replication.Safe, held.Copy.SnapshotAt);
            held.Copy.Truncate(keep);
            held.Replication.OnTruncated(keep);
            Fail(held, error);
        }
    }

    /// <summary>Every half second: flush what was written, try again what failed.</summary>
    private void CareForDisk(HeldLog held)
    {
        if (held.DiskQueued < held.Copy.Last || held.Disk.IsBroken)
        {
            WriteDisk(held);
        }
        if (held.Disk.IsDirty)
        {
            Watch(held, held.Disk.FlushAsync(), held.DiskQueued, durable: true);
        }
    }

    /// <summary>Forgets a log and its file.</summary>
    private Task Remove(HeldLog held)
    {
        if (logs.GetValueOrDefault(held.Id) != held)
        {
            return Task.CompletedTask;
        }
        logs.Remove(held.Id);
        toPublish.Add(held.Id);
        held.Owned = null;
        Fail(held, Lost(held.Id));
        return RemoveFileAsync(held.Id, held.Disk);
    }

    private async Task RemoveFileAsync(string id, DiskLog disk)
    {
        try
        {
            await disk.DeleteAsync();
        }
        catch (IOException error)
        {
            log.LogError("Cannot remove the file of log {Log}: {Reason}", id, error.Message);
        }
        loop.Post(() =>
        {
            if (!logs.ContainsKey(id) && disks.GetValueOrDefault(id) == disk && disk.IsIdle)
            {
                disks.Remove(id);
            }
        });
    }
}
