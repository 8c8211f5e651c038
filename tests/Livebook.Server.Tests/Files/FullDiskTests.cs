using System.Diagnostics;
using Livebook.Server.Files;

namespace Livebook.Server.Tests.Files;

/// <summary>Against a real file system without room: a tmpfs of one megabyte, mounted as root, or in a user namespace of a second test process.</summary>
public sealed class FullDiskTests : IDisposable
{
    private const string Inside = "LIVEBOOK_TEST_FULL_DISK";
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("full");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public async Task A_full_disk_leaves_the_old_file_and_no_temporary_one()
    {
        if (Environment.GetEnvironmentVariable(Inside) is { } mounted)
        {
            await CheckAsync(mounted);
            return;
        }
        var disk = _root.CreateSubdirectory("disk").FullName;
        if (Environment.UserName == "root" && await RunAsync("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk) == 0)
        {
            try
            {
                await CheckAsync(disk);
            }
            finally
            {
                Assert.Equal(0, await RunAsync("umount", disk));
            }
            return;
        }
        var script =
            $"mount -t tmpfs -o size=1m tmpfs '{disk}' && {Inside}='{disk}' exec dotnet '{typeof(FullDiskTests).Assembly.Location}' --filter-method '*.{nameof(A_full_disk_leaves_the_old_file_and_no_temporary_one)}'";
        Assert.True(
            await RunAsync("unshare", "--map-root-user", "--mount", "sh", "-c", script) == 0,
            "this test needs root or user namespaces (unshare) to mount a small file system"
        );
    }

    private async Task CheckAsync(string disk)
    {
        using var files = new NotebookFiles(Path.Combine(_root.FullName, "locks"));
        var path = Path.Combine(disk, "a.livemd");
        await files.OpenAsync(path, "s1", long.MaxValue, Stop);
        var version = await files.SaveAsync(path, "s1", "kept"u8.ToArray(), null, overwrite: false, Stop);

        var error = await Assert.ThrowsAsync<IOException>(() => files.SaveAsync(path, "s1", new byte[2_000_000], version, overwrite: false, Stop));

        Assert.True(files.DiskFull(error));
        Assert.Contains("full", error.Message, StringComparison.Ordinal);
        Assert.Equal("kept", await File.ReadAllTextAsync(path, Stop));
        Assert.Equal("a.livemd", Assert.Single(Directory.EnumerateFileSystemEntries(disk).Select(Path.GetFileName)));
        await files.SaveAsync(path, "s1", new byte[100_000], version, overwrite: false, Stop);
        Assert.InRange(new DiskSpace(disk).FreeBytes(), 1, 1_048_576);
    }

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync(Stop);
        return process.ExitCode;
    }
}
