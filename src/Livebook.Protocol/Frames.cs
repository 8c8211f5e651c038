using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Livebook.Protocol;

/// <summary>
/// Framing of messages on a stream: four bytes length (little endian, at most <see cref="MaximumBytes"/>), then that many bytes of UTF-8 JSON.
/// </summary>
public static class Frames
{
    /// <summary>Largest body of a frame, in bytes. A longer one is a broken or hostile peer: the connection ends.</summary>
    public const int MaximumBytes = 64 * 1024 * 1024;

    /// <summary>Oldest version of the runtime protocol that this build speaks.</summary>
    public const int ProtocolMin = 1;

    /// <summary>Newest version of the runtime protocol that this build speaks.</summary>
    public const int ProtocolMax = 2;

    /// <summary>Writes one frame. Calls on one stream must not overlap.</summary>
    public static async ValueTask WriteAsync(Stream stream, ReadOnlyMemory<byte> body, CancellationToken stop)
    {
        if (body.Length > MaximumBytes)
            throw new ArgumentOutOfRangeException(nameof(body), $"a frame holds at most {MaximumBytes} bytes, this one has {body.Length}");
        var frame = new byte[4 + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, body.Length);
        body.CopyTo(frame.AsMemory(4));
        await stream.WriteAsync(frame, stop).ConfigureAwait(false);
        await stream.FlushAsync(stop).ConfigureAwait(false);
    }

    /// <summary>Reads one frame, or null at the end of the stream.</summary>
    /// <exception cref="InvalidDataException">The length is negative or too large, or the stream ended inside a frame.</exception>
    public static async ValueTask<byte[]?> ReadAsync(Stream stream, CancellationToken stop)
    {
        var head = new byte[4];
        var read = await stream.ReadAtLeastAsync(head, 4, throwOnEndOfStream: false, stop).ConfigureAwait(false);
        if (read == 0)
            return null;
        if (read < 4)
            throw new InvalidDataException("the stream ended inside a frame's length");
        var length = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (length is < 0 or > MaximumBytes)
            throw new InvalidDataException($"a frame's length must be 0 to {MaximumBytes}, found {length}");
        var body = new byte[length];
        if (await stream.ReadAtLeastAsync(body, length, throwOnEndOfStream: false, stop).ConfigureAwait(false) < length)
            throw new InvalidDataException("the stream ended inside a frame");
        return body;
    }
}

/// <summary>The serializer of everything that crosses between server and runtime.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = false,
    AllowOutOfOrderMetadataProperties = true
)]
[JsonSerializable(typeof(RuntimeCommand))]
[JsonSerializable(typeof(ReportFrame))]
public sealed partial class ProtocolJson : JsonSerializerContext;
