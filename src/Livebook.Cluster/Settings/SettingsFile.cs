using System.Collections.Immutable;
using System.Security.Cryptography;
using Livebook.Cluster.Logs;

namespace Livebook.Cluster.Settings;

/// <summary>
/// The settings on this node's disk: one file, encrypted as a whole (AES-256-GCM, a key of its own for every writing by HKDF), replaced
/// atomically. Layout: magic, id of the key, salt, nonce, tag, then the encrypted entries.
/// </summary>
/// <param name="keys">32 bytes each: the one to write with, then earlier ones that are still read. Empty: nothing is stored.</param>
public sealed class SettingsFile(string path, ImmutableArray<byte[]> keys)
{
    private const int IdBytes = 8;
    private const int SaltBytes = 16;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int HeadBytes = 4 + IdBytes + SaltBytes;
    private const int BodyAt = HeadBytes + NonceBytes + TagBytes;

    public string Path => path;

    private static ReadOnlySpan<byte> Magic => "LBS1"u8;

    /// <summary>What is stored, and whether it must be written again because an earlier key encrypted it.</summary>
    /// <exception cref="SettingsLockedException">It was encrypted with a key that is not known here.</exception>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    internal (SettingsMap Map, bool Outdated) Read()
    {
        if (keys.IsEmpty || !File.Exists(path))
        {
            return (SettingsMap.Empty, false);
        }
        var bytes = File.ReadAllBytes(path);
        if (bytes.Length < BodyAt || !bytes.AsSpan().StartsWith(Magic))
        {
            throw new InvalidDataException("This is no file of settings.");
        }
        var id = bytes.AsSpan(4, IdBytes).ToArray();
        var known = keys.FirstOrDefault(key => IdOf(key).AsSpan().SequenceEqual(id)) ?? throw new SettingsLockedException(path);
        var plain = new byte[bytes.Length - BodyAt];
        try
        {
            using var cipher = new AesGcm(KeyOf(known, bytes.AsSpan(4 + IdBytes, SaltBytes).ToArray()), TagBytes);
            cipher.Decrypt(
                bytes.AsSpan(HeadBytes, NonceBytes),
                bytes.AsSpan(BodyAt),
                bytes.AsSpan(HeadBytes + NonceBytes, TagBytes),
                plain,
                bytes.AsSpan(0, HeadBytes)
            );
        }
        catch (AuthenticationTagMismatchException error)
        {
            throw new InvalidDataException("The file of settings is damaged.", error);
        }
        return (SettingsMap.Empty.Merge(SettingsMessage.DecodeEntries(plain)), known != keys[0]);
    }

    /// <summary>Completes when it is on the disk.</summary>
    /// <exception cref="IOException">The disk refuses; the old file is still there.</exception>
    internal void Write(SettingsMap map)
    {
        if (keys.IsEmpty)
        {
            return;
        }
        var plain = SettingsMessage.EncodeEntries(map.Entries.Values);
        var bytes = new byte[BodyAt + plain.Length];
        Magic.CopyTo(bytes);
        IdOf(keys[0]).CopyTo(bytes, 4);
        RandomNumberGenerator.Fill(bytes.AsSpan(4 + IdBytes, SaltBytes));
        RandomNumberGenerator.Fill(bytes.AsSpan(HeadBytes, NonceBytes));
        using var cipher = new AesGcm(KeyOf(keys[0], bytes.AsSpan(4 + IdBytes, SaltBytes).ToArray()), TagBytes);
        cipher.Encrypt(
            bytes.AsSpan(HeadBytes, NonceBytes),
            plain.Span,
            bytes.AsSpan(BodyAt),
            bytes.AsSpan(HeadBytes + NonceBytes, TagBytes),
            bytes.AsSpan(0, HeadBytes)
        );
        Disk.Replace(path, bytes);
    }

    /// <summary>Keeps a damaged file for whoever wants to look at it.</summary>
    internal void SetAside() => File.Move(path, path + ".damaged", overwrite: true);

    private static byte[] IdOf(byte[] key) => HKDF.DeriveKey(HashAlgorithmName.SHA256, key, IdBytes, info: "livebook/settings-id/v1"u8.ToArray());

    private static byte[] KeyOf(byte[] key, byte[] salt) => HKDF.DeriveKey(HashAlgorithmName.SHA256, key, 32, salt, "livebook/settings-file/v1"u8.ToArray());
}

/// <summary>The settings on this disk were encrypted with a secret that this node does not have.</summary>
public sealed class SettingsLockedException(string path) : Exception($"the settings in {path} were encrypted with another secret")
{
    public string Path => path;
}
