using System.Collections.Immutable;
using System.IO.Enumeration;
using System.Text.Json.Serialization;

namespace Livebook.Server.Files;

/// <summary>What an open dialog shows of a directory.</summary>
/// <param name="Path">The real path.</param>
/// <param name="Parent">The directory above; null at the root.</param>
/// <param name="Entries">Directories, then notebooks, then other files, each by name; hidden ones come last.</param>
/// <param name="Truncated">True when the directory has more than <see cref="MaximumEntries"/>; those at the end of the order are left out.</param>
public sealed record DirectoryListing(string Path, string? Parent, ImmutableArray<ListedEntry> Entries, bool Truncated)
{
    public const int MaximumEntries = 5_000;

    /// <summary>Reads a directory.</summary>
    /// <exception cref="IOException">There is no such directory, it is a file, or may not be read; the message is for a person.</exception>
    public static DirectoryListing Read(string path) => Read(path, MaximumEntries);

    internal static DirectoryListing Read(string path, int maximum)
    {
        var real = RealPaths.Resolve(path);
        if (File.Exists(real))
            throw new IOException($"{path} is a file, not a directory.");
        if (!Directory.Exists(real))
            throw new IOException($"There is no directory {path}.");
        var (found, truncated) = First(real, path, maximum);
        return new DirectoryListing(real, System.IO.Path.GetDirectoryName(real), [.. found.Select(entry => Look(real, entry))], truncated);
    }

    /// <summary>The first entries in order, without keeping all of a huge directory in memory.</summary>
    private static (List<Found> Entries, bool Truncated) First(string real, string path, int maximum)
    {
        var kept = new SortedSet<Found>();
        var truncated = false;
        try
        {
            var all = new FileSystemEnumerable<Found>(
                real,
                static (ref entry) => new Found(entry.FileName.ToString(), entry.IsDirectory),
                new EnumerationOptions { AttributesToSkip = 0, IgnoreInaccessible = false }
            );
            foreach (var entry in all)
            {
                kept.Add(entry);
                if (kept.Count <= maximum)
                    continue;
                kept.Remove(kept.Max!);
                truncated = true;
            }
        }
        catch (UnauthorizedAccessException)
        {
            throw new IOException($"{path} may not be read: permission denied.");
        }
        return ([.. kept], truncated);
    }

    private static ListedEntry Look(string directory, Found found)
    {
        var info = new FileInfo(System.IO.Path.Combine(directory, found.Name));
        try
        {
            return new ListedEntry(found.Name, found.Kind, found.IsDirectory ? 0 : info.Length, info.LastWriteTimeUtc);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It went away meanwhile, or is a link to nothing.
            return new ListedEntry(found.Name, EntryKind.Other, 0, DateTimeOffset.UnixEpoch);
        }
    }

    private sealed record Found(string Name, bool IsDirectory) : IComparable<Found>
    {
        public EntryKind Kind { get; } =
            IsDirectory ? EntryKind.Directory
            : System.IO.Path.GetExtension(Name).ToLowerInvariant() is ".livemd" or ".ipynb" or ".dib" ? EntryKind.Notebook
            : EntryKind.Other;

        public int CompareTo(Found? other)
        {
            if (other is null)
                return 1;
            var order = Name.StartsWith('.').CompareTo(other.Name.StartsWith('.'));
            if (order == 0)
                order = Kind.CompareTo(other.Kind);
            if (order == 0)
                order = StringComparer.OrdinalIgnoreCase.Compare(Name, other.Name);
            return order == 0 ? StringComparer.Ordinal.Compare(Name, other.Name) : order;
        }
    }
}

/// <param name="Size">Bytes; 0 for directories.</param>
/// <param name="ModifiedAt">UTC.</param>
public sealed record ListedEntry(string Name, EntryKind Kind, long Size, DateTimeOffset ModifiedAt);

/// <summary>What an entry of a directory is to an open dialog, in the order in which it is shown.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<EntryKind>))]
public enum EntryKind
{
    [JsonStringEnumMemberName("directory")]
    Directory,

    /// <summary>A file that can be opened or imported.</summary>
    [JsonStringEnumMemberName("notebook")]
    Notebook,

    [JsonStringEnumMemberName("other")]
    Other,
}
