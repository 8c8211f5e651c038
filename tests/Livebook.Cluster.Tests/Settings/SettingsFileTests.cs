using System.Security.Cryptography;
using System.Text;
using Livebook.Cluster.Settings;

namespace Livebook.Cluster.Tests.Settings;

public sealed class SettingsFileTests : IDisposable
{
    private const string Value = "canary-of-the-settings-file";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("livebook-settings-");
    private readonly byte[] key = RandomNumberGenerator.GetBytes(32);

    private string FilePath => Path.Combine(folder.FullName, "settings");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void What_was_written_is_read_again_and_not_readable_on_the_disk()
    {
        new SettingsFile(FilePath, [key]).Write(Map());

        var (map, outdated) = new SettingsFile(FilePath, [key]).Read();
        Assert.Equal(Map().Digest(), map.Digest());
        Assert.False(outdated);
        Assert.DoesNotContain("canary", Encoding.Latin1.GetString(File.ReadAllBytes(FilePath)), StringComparison.Ordinal);
        Assert.DoesNotContain("secret/NAME", Encoding.Latin1.GetString(File.ReadAllBytes(FilePath)), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
        Assert.Equal([FilePath], folder.GetFiles().Select(file => file.FullName));
    }

    [Fact]
    public void After_a_change_of_the_secret_the_file_is_read_with_the_earlier_one_and_must_be_written_anew()
    {
        var next = RandomNumberGenerator.GetBytes(32);
        new SettingsFile(FilePath, [key]).Write(Map());

        Assert.Throws<SettingsLockedException>(() => new SettingsFile(FilePath, [next]).Read());
        var rotated = new SettingsFile(FilePath, [next, key]);
        var (map, outdated) = rotated.Read();
        Assert.True(outdated);
        rotated.Write(map);
        Assert.Equal(Map().Digest(), new SettingsFile(FilePath, [next]).Read().Map.Digest());
    }

    [Fact]
    public void Every_changed_byte_is_noticed()
    {
        new SettingsFile(FilePath, [key]).Write(Map());
        var bytes = File.ReadAllBytes(FilePath);
        for (var at = 0; at < bytes.Length; at++)
        {
            var damaged = bytes.ToArray();
            damaged[at] ^= 1;
            File.WriteAllBytes(FilePath, damaged);
            var error = Record.Exception(() => new SettingsFile(FilePath, [key]).Read());
            Assert.True(error is InvalidDataException or SettingsLockedException, $"byte {at}: {error?.GetType().Name}");
        }
    }

    private static SettingsMap Map() =>
        SettingsMap.Empty.Merge([new SettingEntry("secret/NAME", 1, "node", Encoding.UTF8.GetBytes(Value)), new SettingEntry("gone", 2, "node", null)]);
}
