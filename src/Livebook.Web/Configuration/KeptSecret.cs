using System.Security.Cryptography;

namespace Livebook.Web.Configuration;

/// <summary>A secret that is made once and kept in a file that only its owner can read.</summary>
internal static class KeptSecret
{
    private const int Bytes = 48;

    /// <exception cref="ConfigurationException">The file is there but holds no secret.</exception>
    public static string ReadOrMake(string path)
    {
        try
        {
            using var file = new FileStream(
                path,
                new FileStreamOptions
                {
                    Mode = FileMode.CreateNew,
                    Access = FileAccess.Write,
                    UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                }
            );
            var made = Convert.ToBase64String(RandomNumberGenerator.GetBytes(Bytes));
            file.Write(System.Text.Encoding.ASCII.GetBytes(made));
            file.Flush(flushToDisk: true);
            return made;
        }
        catch (IOException) when (File.Exists(path))
        {
            var kept = File.ReadAllText(path).Trim();
            return kept.Length >= 64
                ? kept
                : throw new ConfigurationException(
                    path,
                    "a file with a secret of at least 64 characters (delete it to have a new one made)",
                    $"{kept.Length} characters"
                );
        }
    }
}
