using System.Collections.Immutable;

namespace Livebook.Cluster.Logs;

/// <summary>
/// Who has which log: one table per node, written by that node alone. Standbys are not in it: their owner names them.
/// Touched on the loop only, but for <see cref="Logs"/>, <see cref="Undecided"/> and <see cref="Away"/>.
/// </summary>
internal sealed class Registry(string self)
{
    /// <summary>How long a log whose owner died stays listed while its standby takes over.</summary>
    public static readonly TimeSpan OrphanTime = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, Dictionary<string, TableEntry>> tables = new() { [self] = [] };
    private readonly HashSet<string> complete = [];
    private readonly Dictionary<string, (string Owner, TableEntry Entry, TimeSpan Since)> orphans = [];
    private readonly Dictionary<string, (string Owner, TableEntry Entry)> away = [];
    private readonly HashSet<string> changed = [];
    private TimeSpan clock;
    private volatile ImmutableDictionary<string, LogEntryInfo> logs = ImmutableDictionary<string, LogEntryInfo>.Empty;
    private volatile ImmutableHashSet<string> undecided = [];
    private volatile ImmutableDictionary<string, LogEntryInfo> gone = ImmutableDictionary<string, LogEntryInfo>.Empty;

    public ImmutableDictionary<string, LogEntryInfo> Logs => logs;

    /// <summary>Logs of which some node has found a copy, and that nobody owns yet.</summary>
    public ImmutableHashSet<string> Undecided => undecided;

    /// <summary>Logs that nobody here has: their owner is out, and so is whoever had the second copy.</summary>
    public ImmutableDictionary<string, LogEntryInfo> Away => gone;

    public ImmutableArray<TableEntry> Own => [.. tables[self].Values];

    public void SetOwn(TableEntry entry) => Set(self, entry);

    public void RemoveOwn(string id) => Remove(self, id);

    public TableEntry? OwnEntry(string id) => tables[self].GetValueOrDefault(id);

    /// <summary>True when the whole table of the node has arrived.</summary>
    public bool IsComplete(string node) => complete.Contains(node);

    public void Apply(string node, LogMessage.Table table)
    {
        if (table.Full)
        {
            complete.Add(node);
            var present = table.Entries.Select(entry => entry.Id).ToHashSet();
            foreach (var id in TableOf(node).Keys.Where(id => !present.Contains(id)).ToList())
            {
                Remove(node, id);
            }
        }
        foreach (var entry in table.Entries)
        {
            Set(node, entry);
        }
        foreach (var id in table.Removed)
        {
            Remove(node, id);
        }
    }

    /// <summary>A node is out. Logs of which a member has the second copy stay listed for a while.</summary>
    public void RemoveNode(string node, Func<string, bool> isMember, TimeSpan now)
    {
        clock = now > clock ? now : clock;
        complete.Remove(node);
        if (!tables.Remove(node, out var table))
        {
            return;
        }
        foreach (var entry in table.Values)
        {
            if (entry.Owns && entry.Standby is { } standby && isMember(standby))
            {
                orphans[entry.Id] = (node, entry, now);
            }
            else if (entry.Owns)
            {
                away[entry.Id] = (node, entry);
            }
            changed.Add(entry.Id);
        }
    }

    /// <summary>Everything known about others is void.</summary>
    public void RemoveOthers()
    {
        foreach (var node in tables.Keys.Where(node => node != self).ToList())
        {
            RemoveNode(node, _ => false, default);
        }
        foreach (var id in orphans.Keys.ToList())
        {
            Lose(id);
        }
    }

    public void ExpireOrphans(TimeSpan now)
    {
        clock = now;
        foreach (var (id, orphan) in orphans.ToList())
        {
            if (now - orphan.Since > OrphanTime || OwnersOf(id).Any())
            {
                Lose(id);
            }
        }
    }

    /// <summary>A log is deleted.</summary>
    public void Forget(string id)
    {
        RemoveOrphan(id);
        if (away.Remove(id))
        {
            changed.Add(id);
        }
    }

    /// <summary>Its standby did not take it over. That it has an owner by now is seen when the list is made.</summary>
    private void Lose(string id)
    {
        if (orphans.TryGetValue(id, out var orphan))
        {
            away[id] = (orphan.Owner, orphan.Entry);
            RemoveOrphan(id);
        }
    }

    public void RemoveOrphan(string id)
    {
        if (orphans.Remove(id))
        {
            changed.Add(id);
        }
    }

    public IEnumerable<(string Node, TableEntry Entry)> OwnersOf(string id) => EntriesOf(id).Where(found => found.Entry.Owns);

    /// <summary>Entries about a log in the tables of other nodes.</summary>
    public IEnumerable<(string Node, TableEntry Entry)> Others(string id) => EntriesOf(id).Where(found => found.Node != self);

    /// <summary>Brings <see cref="Logs"/> up to date; true when it changed.</summary>
    public bool Publish()
    {
        if (changed.Count == 0)
        {
            return false;
        }
        var next = logs.ToBuilder();
        var open = undecided.ToBuilder();
        var lost = gone.ToBuilder();
        foreach (var id in changed)
        {
            var owner = OwnersOf(id).OrderByDescending(found => found.Entry.State.Epoch).FirstOrDefault();
            if (owner.Entry is null && orphans.TryGetValue(id, out var orphan))
            {
                owner = (orphan.Owner, orphan.Entry);
            }
            if (owner.Entry is { } entry)
            {
                next[id] = new LogEntryInfo(id, owner.Node, entry.Standby, entry.State.Epoch, entry.Info);
                open.Remove(id);
                away.Remove(id);
            }
            else
            {
                next.Remove(id);
                _ = EntriesOf(id).Any() ? open.Add(id) : open.Remove(id);
            }
            if (away.TryGetValue(id, out var left))
            {
                lost[id] = new LogEntryInfo(id, left.Owner, left.Entry.Standby, left.Entry.State.Epoch, left.Entry.Info);
            }
            else
            {
                lost.Remove(id);
            }
        }
        changed.Clear();
        // Whoever looks meanwhile finds a log in two of them rather than in none.
        undecided = undecided.Union(open);
        gone = gone.AddRange(lost.Where(entry => !gone.ContainsKey(entry.Key)));
        logs = next.ToImmutable();
        undecided = open.ToImmutable();
        gone = lost.ToImmutable();
        return true;
    }

    private IEnumerable<(string Node, TableEntry Entry)> EntriesOf(string id)
    {
        foreach (var (node, table) in tables)
        {
            if (table.TryGetValue(id, out var entry))
            {
                yield return (node, entry);
            }
        }
    }

    private Dictionary<string, TableEntry> TableOf(string node)
    {
        if (!tables.TryGetValue(node, out var table))
        {
            tables[node] = table = [];
        }
        return table;
    }

    private void Set(string node, TableEntry entry)
    {
        var table = TableOf(node);
        if (!entry.Owns && table.TryGetValue(entry.Id, out var before) && before.Owns)
        {
            // Handed over, or to be decided about again: it stays listed until the next owner shows itself.
            orphans[entry.Id] = (node, before, clock);
        }
        table[entry.Id] = entry;
        changed.Add(entry.Id);
    }

    private void Remove(string node, string id)
    {
        if (TableOf(node).Remove(id))
        {
            changed.Add(id);
        }
    }
}
