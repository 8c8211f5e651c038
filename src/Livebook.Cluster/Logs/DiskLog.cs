using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Livebook.Cluster.Logs;

/// <summary>
/// The file of one log. Writes are queued in order and done off the loop; what waits together shares one write and one fsync.
/// After a failed write the file's end is unknown: everything queued fails and the next write has to be a rewrite (<see cref="IsBroken"/>).
/// </summary>
internal sealed class DiskLog(string path, ILogger log) : IAsyncDisposable
{
    private readonly record struct Job(ReadOnlyMemory<byte> Bytes, bool Rewrite, bool Sync, TaskCompletionSource Done, Action? Special = null)
    {
        public bool StandsAlone => Rewrite || Special is not null;
    }

    /// <summary>So that many logs with slow disks do not take every thread.</summary>
    private static readonly SemaphoreSlim Slots = new(8);

    private readonly Lock gate = new();
    private List<Job> queue = [];
    private Task pump = Task.CompletedTask;
    private bool pumping;
    private bool abandoned;
    private SafeFileHandle? handle;
    private long length;
    private volatile bool broken = true;
    private volatile bool dirty;

    public string FilePath => path;

    /// <summary>The next write must be a rewrite.</summary>
    public bool IsBroken => broken;

    /// <summary>Something was written and not yet flushed to the disk itself.</summary>
    public bool IsDirty => dirty;

    /// <summary>Nothing is queued or being written.</summary>
    public bool IsIdle
    {
        get
        {
            lock (gate)
            {
                return !pumping;
            }
        }
    }

    /// <summary>Goes on behind the good part of an existing file; the rest is cut.</summary>
    public static DiskLog Continue(string path, long goodBytes, ILogger log)
    {
        var found = new DiskLog(path, log) { handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read), length = goodBytes };
        if (RandomAccess.GetLength(found.handle) > goodBytes)
        {
            RandomAccess.SetLength(found.handle, goodBytes);
        }
        found.broken = false;
        return found;
    }

    /// <summary>Queues bytes behind what is there. Completes when written, or with <paramref name="sync"/> when on the disk itself.</summary>
    public Task AppendAsync(ReadOnlyMemory<byte> bytes, bool sync) => Enqueue(new Job(bytes, false, sync, Completion()));

    /// <summary>Queues a new file in place of this one. Completes when it is on the disk.</summary>
    public Task RewriteAsync(LogCopy copy)
    {
        var bytes = new MemoryStream(copy.Snapshot.Length + 512);
        RecordFile.WriteState(bytes, copy);
        RecordFile.WriteSnapshot(bytes, copy.SnapshotAt, copy.Snapshot);
        var sequence = copy.SnapshotAt;
        foreach (var entry in copy.After(copy.SnapshotAt))
        {
            RecordFile.WriteEntry(bytes, ++sequence, entry);
        }
        broken = false;
        return Enqueue(new Job(bytes.GetBuffer().AsMemory(0, (int)bytes.Length), true, true, Completion()));
    }

    /// <summary>Flushes what was written to the disk itself.</summary>
    public Task FlushAsync() => Enqueue(new Job(default, false, true, Completion()));

    /// <summary>Ends with everything queued written and flushed.</summary>
    public async ValueTask DisposeAsync()
    {
        await FlushAsync().ContinueWith(_ => { }, TaskScheduler.Default);
        await CloseAsync();
    }

    /// <summary>Queues the removal of the file. A rewrite behind it begins a new one.</summary>
    public Task DeleteAsync() =>
        Enqueue(
            new Job(
                default,
                false,
                false,
                Completion(),
                () =>
                {
                    handle?.Dispose();
                    handle = null;
                    dirty = false;
                    File.Delete(path);
                    File.Delete(path + ".new");
                    Disk.SyncDirectory(Path.GetDirectoryName(path)!);
                }
            )
        );

    /// <summary>Queues a copy of the file under another name, for a person to look at.</summary>
    public Task KeepAsideAsync(string suffix) =>
        Enqueue(
            new Job(
                default,
                false,
                false,
                Completion(),
                () =>
                {
                    File.Copy(path, path + suffix, overwrite: true);
                    Disk.SyncDirectory(Path.GetDirectoryName(path)!);
                }
            )
        );

    /// <summary>Stops at once, as a killed process does: what is queued is lost, what was written stays.</summary>
    public Task AbandonAsync() => CloseAsync();

    private async Task CloseAsync()
    {
        Task last;
        lock (gate)
        {
            abandoned = true;
            last = pump;
        }
        await last;
        handle?.Dispose();
        handle = null;
    }

    private static TaskCompletionSource Completion() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Task Enqueue(Job job)
    {
        lock (gate)
        {
            if (abandoned)
            {
                return Task.FromException(new IOException($"The log file {Path.GetFileName(path)} is closed."));
            }
            queue.Add(job);
            if (!pumping)
            {
                pumping = true;
                pump = Task.Run(PumpAsync);
            }
        }
        return job.Done.Task;
    }

    private async Task PumpAsync()
    {
        while (true)
        {
            await Slots.WaitAsync();
            try
            {
                List<Job> batch;
                lock (gate)
                {
                    if (queue.Count == 0 || abandoned)
                    {
                        pumping = false;
                        queue.ForEach(job => job.Done.TrySetException(new IOException("The log file is closed.")));
                        return;
                    }
                    (batch, queue) = (queue, []);
                }
                Write(batch);
            }
            finally
            {
                Slots.Release();
            }
        }
    }

    private void Write(List<Job> batch)
    {
        var done = 0;
        try
        {
            while (done < batch.Count)
            {
                // What stands alone begins a run of its own; the appends behind it share one write and one fsync.
                var run = batch.Skip(done).TakeWhile((job, i) => i == 0 || !job.StandsAlone).ToList();
                WriteRun(run);
                run.ForEach(job => job.Done.TrySetResult());
                done += run.Count;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            broken = true;
            log.LogError("Cannot write the log file {File}: {Reason}", Path.GetFileName(path), error.Message);
            batch
                .Skip(done)
                .ToList()
                .ForEach(job => job.Done.TrySetException(new IOException($"The disk refused to store the change: {error.Message}", error)));
        }
    }

    private void WriteRun(List<Job> run)
    {
        var rest = run;
        if (run[0].StandsAlone)
        {
            if (run[0].Special is { } special)
            {
                special();
            }
            else
            {
                Rewrite(run[0].Bytes);
            }
            rest = run[1..];
        }
        if (rest.Count == 0 || (handle is null && !broken && rest.All(job => job.Bytes.IsEmpty)))
        {
            return;
        }
        if (handle is null || broken)
        {
            throw new IOException("an earlier write failed; the file is written anew with the next change");
        }
        var parts = rest.Where(job => !job.Bytes.IsEmpty).Select(job => job.Bytes).ToList();
        if (parts.Count > 0)
        {
            RandomAccess.Write(handle, parts, length);
            length += parts.Sum(part => (long)part.Length);
            dirty = true;
        }
        if (dirty && rest.Any(job => job.Sync))
        {
            RandomAccess.FlushToDisk(handle);
            dirty = false;
        }
    }

    private void Rewrite(ReadOnlyMemory<byte> bytes)
    {
        var fresh = path + ".new";
        var next = File.OpenHandle(fresh, FileMode.Create, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            RandomAccess.Write(next, bytes.Span, 0);
            RandomAccess.FlushToDisk(next);
            File.Move(fresh, path, overwrite: true);
            Disk.SyncDirectory(Path.GetDirectoryName(path)!);
        }
        catch
        {
            next.Dispose();
            throw;
        }
        handle?.Dispose();
        handle = next;
        length = bytes.Length;
        dirty = false;
        broken = false;
    }
}
