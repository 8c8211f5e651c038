using Livebook.Server.Files;

namespace Livebook.Server.Tests.Files;

public sealed class DirectoryListingTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("listing");

    private string At(string name) => Path.Combine(_root.FullName, name);

    private void Make(params string[] names)
    {
        foreach (var name in names)
        {
            if (name.EndsWith('/'))
                Directory.CreateDirectory(At(name));
            else
                File.WriteAllText(At(name), name);
        }
    }

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public void Entries_come_by_kind_and_name_with_hidden_ones_last()
    {
        Make("b.livemd", "A.livemd", "old.ipynb", "notes.txt", "zoo/", ".git/", ".hidden.livemd");

        var listing = DirectoryListing.Read(_root.FullName);

        Assert.Equal(["zoo", "A.livemd", "b.livemd", "old.ipynb", "notes.txt", ".git", ".hidden.livemd"], listing.Entries.Select(entry => entry.Name));
        Assert.Equal(
            [EntryKind.Directory, EntryKind.Notebook, EntryKind.Notebook, EntryKind.Notebook, EntryKind.Other, EntryKind.Directory, EntryKind.Notebook],
            listing.Entries.Select(entry => entry.Kind)
        );
        Assert.Equal((8, File.GetLastWriteTimeUtc(At("b.livemd"))), (listing.Entries[2].Size, listing.Entries[2].ModifiedAt.UtcDateTime));
        Assert.Equal((_root.FullName, _root.Parent!.FullName, false), (listing.Path, listing.Parent, listing.Truncated));
    }

    [Fact]
    public void Links_count_as_what_they_lead_to()
    {
        Make("real/", "real/a.livemd");
        File.CreateSymbolicLink(At("file.livemd"), "real/a.livemd");
        Directory.CreateSymbolicLink(At("folder"), "real");
        File.CreateSymbolicLink(At("nothing"), "gone");

        var listing = DirectoryListing.Read(At("folder/.."));

        Assert.Equal(["folder", "real", "file.livemd", "nothing"], listing.Entries.Select(entry => entry.Name));
        Assert.Equal(At("real"), DirectoryListing.Read(At("folder")).Path);
    }

    [Fact]
    public void A_huge_directory_shows_the_first_entries_in_order_and_says_that_there_are_more()
    {
        Make([.. Enumerable.Range(0, 50).Select(number => $"{number:00}.livemd")]);

        var listing = DirectoryListing.Read(_root.FullName, maximum: 10);

        Assert.True(listing.Truncated);
        Assert.Equal(Enumerable.Range(0, 10).Select(number => $"{number:00}.livemd"), listing.Entries.Select(entry => entry.Name));
    }

    [Fact]
    public void What_cannot_be_listed_says_why()
    {
        Make("file");

        Assert.Contains("is a file", Assert.Throws<IOException>(() => DirectoryListing.Read(At("file"))).Message, StringComparison.Ordinal);
        Assert.Contains("There is no directory", Assert.Throws<IOException>(() => DirectoryListing.Read(At("gone"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Free_space_comes_from_the_disk_or_from_the_test()
    {
        Assert.True(new DiskSpace(_root.FullName).FreeBytes() > 0);
        Assert.Equal(5, new DiskSpace(_root.FullName, _ => 5).FreeBytes());
        Assert.Equal(long.MaxValue, new DiskSpace("/nowhere", _ => throw new IOException()).FreeBytes());
    }
}
