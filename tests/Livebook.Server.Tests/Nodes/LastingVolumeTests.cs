using Livebook.Server.Nodes;

namespace Livebook.Server.Tests.Nodes;

public sealed class LastingVolumeTests
{
    private static readonly string[] Mounts =
    [
        "22 1 0:21 / / rw,relatime - overlay overlay rw,lowerdir=/a:/b",
        "23 22 0:22 / /proc rw - proc proc rw",
        "24 22 8:1 /volumes/data /data rw,noatime shared:1 - ext4 /dev/sda1 rw",
        "25 24 0:30 / /data/scratch rw - tmpfs tmpfs rw",
        @"26 22 8:1 / /with\040blank rw - xfs /dev/sdb rw",
        "nonsense",
    ];

    [Theory]
    [InlineData("/home/livebook", "overlay")]
    [InlineData("/data", null)]
    [InlineData("/data/livebook", null)]
    [InlineData("/database", "overlay")]
    [InlineData("/data/scratch/x", "tmpfs")]
    [InlineData("/with blank/x", null)]
    public void A_directory_lasts_as_long_as_the_file_system_it_is_on(string directory, string? kind) =>
        Assert.Equal(kind, LastingVolume.PassingKind(directory, Mounts));
}
