using System.Diagnostics;
using System.Text;
using Livebook.Core.Sessions;
using Livebook.Server.Files;

namespace Livebook.Server.Tests.Files;

public sealed class NotebookFilesTests : IDisposable
{
    private const long Limit = 1_000_000;
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("files");
    private readonly NotebookFiles _files;

    public NotebookFilesTests() => _files = new NotebookFiles(Locks);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Locks => Path.Combine(_root.FullName, "locks");

    private string At(string name) => Path.Combine(_root.FullName, name);

    private Task<OpenedFile> OpenAsync(string name, string session = "s1") => _files.OpenAsync(At(name), session, Limit, Stop);

    private Task<FileVersion> SaveAsync(string name, string text, FileVersion? expected, bool overwrite = false, string session = "s1") =>
        _files.SaveAsync(At(name), session, Encoding.UTF8.GetBytes(text), expected, overwrite, Stop);

    private async Task<FileVersion> WrittenAsync(string name, string text)
    {
        await File.WriteAllTextAsync(At(name), text, Stop);
        return (await OpenAsync(name)).Version!;
    }

    public void Dispose()
    {
        _files.Dispose();
        _root.Delete(recursive: true);
    }

    [Fact]
    public async Task A_file_is_read_with_what_it_looked_like()
    {
        await File.WriteAllTextAsync(At("a.livemd"), "# Title", Stop);

        var opened = await OpenAsync("a.livemd");

        Assert.Equal("# Title", Encoding.UTF8.GetString(opened.Content!.Value.Span));
        Assert.Equal((7, File.GetLastWriteTimeUtc(At("a.livemd"))), (opened.Version!.Size, opened.Version.ModifiedAt.UtcDateTime));
        Assert.Equal(64, opened.Version.Hash.Length);
    }

    [Fact]
    public async Task A_new_file_is_locked_and_written()
    {
        var opened = await OpenAsync("new.livemd");
        var version = await SaveAsync("new.livemd", "one", null);
        var again = await SaveAsync("new.livemd", "two", version);

        Assert.Null(opened.Content);
        Assert.Equal("two", await File.ReadAllTextAsync(At("new.livemd"), Stop));
        Assert.Equal((await OpenAsync("new.livemd")).Version, again);
    }

    [Fact]
    public async Task Nothing_is_left_beside_the_notebook()
    {
        var version = await WrittenAsync("a.livemd", "old");
        await SaveAsync("a.livemd", "new", version);

        Assert.Equal(["a.livemd", "locks"], Directory.EnumerateFileSystemEntries(_root.FullName).Select(Path.GetFileName).Order());
        _files.Release(At("a.livemd"), "s1");
        Assert.Empty(Directory.EnumerateFiles(Locks));
    }

    [Fact]
    public async Task A_file_belongs_to_one_session()
    {
        await WrittenAsync("a.livemd", "text");

        var error = await Assert.ThrowsAsync<FileInUseException>(() => OpenAsync("a.livemd", "s2"));
        Assert.Equal("s1", error.Session);
        await Assert.ThrowsAsync<FileInUseException>(() => SaveAsync("a.livemd", "x", null, overwrite: true, session: "s2"));

        _files.Release(At("a.livemd"), "s2");
        await Assert.ThrowsAsync<FileInUseException>(() => OpenAsync("a.livemd", "s2"));
        _files.Release(At("a.livemd"), "s1");
        Assert.NotNull((await OpenAsync("a.livemd", "s2")).Content);
    }

    [Fact]
    public async Task Another_server_of_this_user_sees_the_lock_and_whose_it_is()
    {
        await WrittenAsync("a.livemd", "text");
        using var other = new NotebookFiles(Locks);

        var error = await Assert.ThrowsAsync<FileInUseException>(() => other.OpenAsync(At("a.livemd"), "s2", Limit, Stop));

        Assert.Equal("s1", error.Session);
        _files.Release(At("a.livemd"), "s1");
        await other.OpenAsync(At("a.livemd"), "s2", Limit, Stop);
    }

    [Fact]
    public async Task The_lock_of_a_killed_process_is_gone()
    {
        await WrittenAsync("a.livemd", "text");
        var name = Assert.Single(Directory.EnumerateFiles(Locks));
        const string note = """{"Session":"gone","Pid":1,"Path":"","Token":""}""";
        _files.Release(At("a.livemd"), "s1");
        // The same file, locked by a process that is then killed.
        await File.WriteAllTextAsync(name, note, Stop);
        var flock = new ProcessStartInfo("flock", ["--no-fork", "-x", name, "sh", "-c", "echo held; exec sleep 1000"]) { RedirectStandardOutput = true };
        using var holder = Process.Start(flock)!;
        Assert.Equal("held", await holder.StandardOutput.ReadLineAsync(Stop));
        var refused = await Assert.ThrowsAsync<FileInUseException>(() => OpenAsync("a.livemd", "s2"));
        Assert.Equal("gone", refused.Session);

        holder.Kill();
        await holder.WaitForExitAsync(Stop);

        Assert.NotNull((await OpenAsync("a.livemd", "s2")).Content);
    }

    [Fact]
    public async Task Sessions_that_race_for_a_file_never_both_get_it()
    {
        for (var round = 0; round < 20; round++)
        {
            using var other = new NotebookFiles(Locks);
            var tries = await Task.WhenAll(
                Enumerable
                    .Range(0, 8)
                    .Select(number =>
                        Task.Run(async () =>
                        {
                            try
                            {
                                await (number % 2 == 0 ? _files : other).OpenAsync(At("raced.livemd"), $"s{number}", Limit, Stop);
                                return 1;
                            }
                            catch (FileInUseException)
                            {
                                return 0;
                            }
                        })
                    )
            );
            Assert.Equal(1, tries.Sum());
            for (var number = 0; number < 8; number++)
                _files.Release(At("raced.livemd"), $"s{number}");
        }
    }

    [Theory]
    [InlineData("changed!", "changed by somebody else")]
    [InlineData("other", "changed by somebody else")]
    [InlineData(null, "deleted or moved")]
    public async Task What_was_changed_outside_is_never_overwritten_unless_asked(string? outside, string words)
    {
        var version = await WrittenAsync("a.livemd", "first");
        if (outside is null)
            File.Delete(At("a.livemd"));
        else
        {
            await File.WriteAllTextAsync(At("a.livemd"), outside, Stop);
            File.SetLastWriteTimeUtc(At("a.livemd"), version.ModifiedAt.UtcDateTime);
        }

        var error = await Assert.ThrowsAsync<FileChangedOutsideException>(() => SaveAsync("a.livemd", "mine", version));

        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.Equal(outside, File.Exists(At("a.livemd")) ? await File.ReadAllTextAsync(At("a.livemd"), Stop) : null);
        await SaveAsync("a.livemd", "mine", version, overwrite: true);
        Assert.Equal("mine", await File.ReadAllTextAsync(At("a.livemd"), Stop));
    }

    [Fact]
    public async Task A_file_that_only_got_another_time_is_not_a_changed_one()
    {
        var version = await WrittenAsync("a.livemd", "same");
        File.SetLastWriteTimeUtc(At("a.livemd"), DateTime.UnixEpoch);

        await SaveAsync("a.livemd", "mine", version);

        Assert.Equal("mine", await File.ReadAllTextAsync(At("a.livemd"), Stop));
    }

    [Fact]
    public async Task A_file_that_appeared_meanwhile_is_not_overwritten()
    {
        await OpenAsync("a.livemd");
        await File.WriteAllTextAsync(At("a.livemd"), "theirs", Stop);

        await Assert.ThrowsAsync<FileChangedOutsideException>(() => SaveAsync("a.livemd", "mine", null));

        Assert.Equal("theirs", await File.ReadAllTextAsync(At("a.livemd"), Stop));
    }

    [Fact]
    public async Task Mode_bits_are_kept()
    {
        const UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
        var version = await WrittenAsync("a.livemd", "old");
        File.SetUnixFileMode(At("a.livemd"), mode);

        await SaveAsync("a.livemd", "new", version);

        Assert.Equal(mode, File.GetUnixFileMode(At("a.livemd")));
    }

    [Fact]
    public async Task A_read_only_file_stays_as_it_is()
    {
        var version = await WrittenAsync("a.livemd", "old");
        File.SetUnixFileMode(At("a.livemd"), UnixFileMode.UserRead);

        var error = await Assert.ThrowsAsync<IOException>(() => SaveAsync("a.livemd", "new", version));

        Assert.Contains("read-only", error.Message, StringComparison.Ordinal);
        Assert.Equal("old", await File.ReadAllTextAsync(At("a.livemd"), Stop));
    }

    [Fact]
    public async Task A_symbolic_link_is_followed_and_stays_one()
    {
        Directory.CreateDirectory(At("real"));
        File.CreateSymbolicLink(At("link.livemd"), "real/a.livemd");
        Directory.CreateSymbolicLink(At("dir"), "real");

        var opened = await OpenAsync("link.livemd");
        await SaveAsync("link.livemd", "through", null);

        Assert.Equal(At("real/a.livemd"), opened.Path);
        Assert.Equal("through", await File.ReadAllTextAsync(At("real/a.livemd"), Stop));
        Assert.Equal("real/a.livemd", new FileInfo(At("link.livemd")).LinkTarget);
        Assert.Equal(At("real/a.livemd"), _files.RealPath(At("dir/../dir/./a.livemd")));
        await Assert.ThrowsAsync<FileInUseException>(() => OpenAsync("dir/a.livemd", "s2"));
    }

    [Fact]
    public void Links_that_go_round_in_circles_are_an_error_that_says_so()
    {
        File.CreateSymbolicLink(At("a"), "b");
        File.CreateSymbolicLink(At("b"), "a");

        Assert.Contains("circles", Assert.Throws<IOException>(() => _files.RealPath(At("a"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_opened_says_why_and_is_not_locked()
    {
        Directory.CreateDirectory(At("folder"));
        await File.WriteAllTextAsync(At("large"), new string('x', (int)Limit + 1), Stop);

        await SaysAsync("folder", "is a directory");
        await SaysAsync("large", "larger than");
        await SaysAsync("nowhere/a.livemd", "There is no directory");
        await SaysAsync("", "is a directory");
        await Assert.ThrowsAnyAsync<IOException>(() => _files.OpenAsync(" ", "s1", Limit, Stop));
        Assert.Empty(Directory.EnumerateFiles(Locks));

        async Task SaysAsync(string name, string words) =>
            Assert.Contains(words, (await Assert.ThrowsAnyAsync<IOException>(() => OpenAsync(name))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Saving_needs_the_lock() => await Assert.ThrowsAsync<IOException>(() => SaveAsync("a.livemd", "x", null));

    [Fact]
    public async Task Temporary_files_of_a_killed_server_are_removed_when_the_notebook_is_opened()
    {
        var version = await WrittenAsync("a.livemd", "old");
        Assert.NotNull(version);
        _files.Release(At("a.livemd"), "s1");
        var seen = new List<string>();
        using (var watcher = new FileSystemWatcher(_root.FullName))
        {
            var named = new TaskCompletionSource<string>();
            watcher.Created += (_, file) => named.TrySetResult(file.FullPath);
            watcher.EnableRaisingEvents = true;
            await OpenAsync("a.livemd");
            await SaveAsync("a.livemd", "new", version);
            seen.Add(await named.Task.WaitAsync(TimeSpan.FromSeconds(30), Stop));
        }
        _files.Release(At("a.livemd"), "s1");
        await File.WriteAllTextAsync(seen[0], "half", Stop);
        await File.WriteAllTextAsync(At(".livebook-notes.tmp"), "a user's own", Stop);

        await OpenAsync("a.livemd");

        Assert.False(File.Exists(seen[0]));
        Assert.True(File.Exists(At(".livebook-notes.tmp")));
    }

    [Fact]
    public async Task Names_as_long_as_names_can_be_are_saved()
    {
        var name = new string('n', 248) + ".livemd";
        await OpenAsync(name);

        await SaveAsync(name, "text", null);

        Assert.Equal("text", await File.ReadAllTextAsync(At(name), Stop));
    }
}
