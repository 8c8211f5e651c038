using System.Security.Cryptography;
using System.Text;
using Livebook.Core.Sessions;

namespace Livebook.Server.Files;

/// <summary>Writes a file so that at any moment, even after a power cut, its name holds all of the old or all of the new content.</summary>
internal static class AtomicFile
{
    private const UnixFileMode AnyWrite = UnixFileMode.UserWrite | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <summary>Replaces or creates a file. Mode bits are kept; a new file gets the usual ones.</summary>
    /// <param name="path">A real path: a symbolic link would be replaced, not followed.</param>
    /// <exception cref="IOException">Nothing has changed; the message is for a person.</exception>
    public static async Task<FileVersion> WriteAsync(string path, ReadOnlyMemory<byte> content, CancellationToken stop)
    {
        var directory = Path.GetDirectoryName(path)!;
        var temporary = Path.Combine(directory, $"{Prefix(path)}{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}.tmp");
        var made = false;
        try
        {
            UnixFileMode? mode = File.Exists(path) && !OperatingSystem.IsWindows() ? File.GetUnixFileMode(path) : null;
            if (mode is { } bits && (bits & AnyWrite) == 0)
                throw new IOException($"{path} is read-only.");
            FileVersion version;
            await using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous))
            {
                made = true;
                if (mode is { } same && !OperatingSystem.IsWindows())
                    File.SetUnixFileMode(stream.SafeFileHandle, same);
                await stream.WriteAsync(content, stop);
                await Task.Run(() => stream.Flush(flushToDisk: true), stop);
                version = VersionOf(content.Span, File.GetLastWriteTimeUtc(stream.SafeFileHandle));
            }
            File.Move(temporary, path, overwrite: true);
            made = false;
            await Task.Run(() => FlushDirectory(directory), CancellationToken.None);
            return version;
        }
        catch (UnauthorizedAccessException)
        {
            throw new IOException($"{path} may not be written: permission denied.");
        }
        catch (DirectoryNotFoundException)
        {
            throw new IOException($"There is no directory {directory}.");
        }
        catch (IOException error) when (IsDiskFull(error))
        {
            throw new IOException($"{path} was not saved: the disk or the quota is full. The file on disk is unchanged.", error.HResult);
        }
        finally
        {
            if (made)
                Remove(temporary);
        }
    }

    /// <summary>Removes temporary files that a killed process left beside a file. The caller holds the file's lock.</summary>
    public static void RemoveLeftovers(string path)
    {
        try
        {
            var prefix = Prefix(path);
            foreach (var leftover in Directory.EnumerateFiles(Path.GetDirectoryName(path) ?? path, ".livebook-*.tmp"))
            {
                if (Path.GetFileName(leftover).StartsWith(prefix, StringComparison.Ordinal) && Path.GetFileName(leftover).Length == prefix.Length + 16)
                    Remove(leftover);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Whatever is wrong with the directory, opening the file says it better.
        }
    }

    /// <summary>True when the exception means that the disk or the user's quota is full.</summary>
    public static bool IsDiskFull(IOException error)
    {
        const int noSpace = 28;
        var quota = OperatingSystem.IsMacOS() ? 69 : 122;
        return error.HResult == noSpace || error.HResult == quota || (OperatingSystem.IsWindows() && (error.HResult & 0xFFFF) is 39 or 112);
    }

    public static FileVersion VersionOf(ReadOnlySpan<byte> content, DateTime modified) =>
        new(content.Length, new DateTimeOffset(modified, TimeSpan.Zero), Convert.ToHexStringLower(SHA256.HashData(content)));

    /// <summary>Of constant length: the file's own name may be as long as names can be.</summary>
    private static string Prefix(string path) =>
        $".livebook-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Path.GetFileName(path))).AsSpan(0, 6))}-";

    private static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It is removed when the notebook is opened the next time.
        }
    }

    /// <summary>Makes a rename durable.</summary>
    public static void FlushDirectory(string directory)
    {
        if (OperatingSystem.IsWindows())
            return;
        using var handle = UnixFiles.Open(directory);
        if (handle is not null)
            UnixFiles.Flush(handle);
    }
}
