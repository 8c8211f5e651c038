using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Livebook.Server.Attachments;

/// <summary>What a node asks another about contents of attachments. Some carry bytes behind them (<see cref="BlobFrame"/>).</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Begin), "begin")]
[JsonDerivedType(typeof(Chunk), "chunk")]
[JsonDerivedType(typeof(Store), "store")]
[JsonDerivedType(typeof(Keep), "keep")]
[JsonDerivedType(typeof(Drop), "drop")]
[JsonDerivedType(typeof(Read), "read")]
[JsonDerivedType(typeof(Fetch), "fetch")]
[JsonDerivedType(typeof(Place), "place")]
[JsonDerivedType(typeof(TakeIn), "take_in")]
[JsonDerivedType(typeof(Remove), "remove")]
internal abstract record BlobRequest(string Session)
{
    /// <summary>An upload begins.</summary>
    /// <param name="Upload">Name of the upload, chosen by the asker.</param>
    /// <param name="Size">Bytes that will come; null = not known.</param>
    /// <param name="Mirror">The asker is the session's owner: nothing is looked up, the bytes are only kept.</param>
    public sealed record Begin(string Session, string Upload, long? Size, bool Mirror) : BlobRequest(Session);

    /// <summary>The next bytes of an upload, which are behind the request.</summary>
    public sealed record Chunk(string Session, string Upload, long Offset) : BlobRequest(Session);

    /// <summary>The upload is whole: it becomes the notebook's file of this name. To the owner.</summary>
    public sealed record Store(string Session, string Upload, string Name, string? User) : BlobRequest(Session);

    /// <summary>The upload is whole and has this content. To the standby.</summary>
    public sealed record Keep(string Session, string Upload, string Hash, long Size) : BlobRequest(Session);

    public sealed record Drop(string Session, string Upload) : BlobRequest(Session);

    /// <summary>Bytes of a content; with a length of 0 only whether it is there.</summary>
    public sealed record Read(string Session, string Hash, long Offset, int Length) : BlobRequest(Session);

    /// <summary>Get a content from another node and keep it.</summary>
    public sealed record Fetch(string Session, string Hash, long Size, string From, string FromSession) : BlobRequest(Session);

    /// <summary>Write a content into <c>files/</c> below a directory. Answered with another hash when the file there is newer: that is in the store then.</summary>
    public sealed record Place(string Session, string Directory, string Name, string Hash, long Size, DateTimeOffset StoredAt, string From)
        : BlobRequest(Session);

    /// <summary>Put the content of a file in <c>files/</c> into the store.</summary>
    public sealed record TakeIn(string Session, string Directory, string Name, long MaximumBytes) : BlobRequest(Session);

    /// <summary>Remove a file from <c>files/</c> if it has this content.</summary>
    public sealed record Remove(string Session, string Directory, string Name, string Hash) : BlobRequest(Session);
}

/// <param name="Kind">Null when done; <c>not_here</c>, <c>missing</c>, <c>disk_full</c>, <c>refused</c> or <c>failed</c>.</param>
/// <param name="Existed">There was a file of that name already.</param>
internal sealed record BlobReply(string? Kind = null, string? Message = null, string? Hash = null, long Size = 0, bool Existed = false, long Version = 0)
{
    public static BlobReply NotHere { get; } = new("not_here", "This node does not serve the session.");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BlobRequest))]
[JsonSerializable(typeof(BlobReply))]
internal sealed partial class BlobJson : JsonSerializerContext;

/// <summary>A message with bytes behind it: the length of the JSON (4 bytes), the JSON, the bytes.</summary>
internal static class BlobFrame
{
    public static byte[] Pack<T>(T message, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, ReadOnlySpan<byte> bytes)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(message, type);
        var frame = new byte[4 + json.Length + bytes.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, json.Length);
        json.CopyTo(frame, 4);
        bytes.CopyTo(frame.AsSpan(4 + json.Length));
        return frame;
    }

    /// <exception cref="InvalidDataException">Not such a message.</exception>
    public static (T Message, ReadOnlyMemory<byte> Bytes) Unpack<T>(ReadOnlyMemory<byte> frame, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        var length = frame.Length < 4 ? -1 : BinaryPrimitives.ReadInt32LittleEndian(frame.Span);
        if (length < 0 || length > frame.Length - 4)
            throw new InvalidDataException("a message about attachments is cut short");
        try
        {
            var message = JsonSerializer.Deserialize(frame.Span.Slice(4, length), type) ?? throw new InvalidDataException("an empty message");
            return (message, frame[(4 + length)..]);
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"not a {typeof(T).Name}: {error.Message}", error);
        }
    }
}
