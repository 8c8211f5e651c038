using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Livebook.Core.Sessions;
using Livebook.Core.Text;
using Livebook.Core.Wire;

namespace Livebook.Server.Sessions;

/// <summary>What a node asks the owner of a session, and waits for.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Join), "join")]
[JsonDerivedType(typeof(Submit), "submit")]
[JsonDerivedType(typeof(Query), "query")]
[JsonDerivedType(typeof(Create), "create")]
[JsonDerivedType(typeof(Close), "close")]
[JsonDerivedType(typeof(Attach), "attach")]
[JsonDerivedType(typeof(Wait), "wait")]
[JsonDerivedType(typeof(WaitSaved), "wait_saved")]
[JsonDerivedType(typeof(Events), "events")]
internal abstract record SessionRequest(string Session)
{
    /// <summary>A page wants the session. Answered by the bytes of <see cref="ServerMessage.Joined"/>.</summary>
    /// <param name="Stream">Names the page's submissions from now on (see <see cref="SubmitEnvelope"/>).</param>
    public sealed record Join(
        string Session,
        string Stream,
        string Client,
        string UserName,
        string UserColor,
        long? Epoch,
        long? Version,
        ImmutableDictionary<string, int>? Texts
    ) : SessionRequest(Session);

    /// <summary>An operation of the API. Answered by <see cref="SubmitReply"/>.</summary>
    public sealed record Submit(string Session, ClientOperation Operation, string? User, string? Key) : SessionRequest(Session);

    /// <summary>Reads; answered by <see cref="QueryReply"/>.</summary>
    /// <param name="What">See <c>SessionQueries</c>.</param>
    public sealed record Query(string Session, string What, ImmutableDictionary<string, string> Parameters) : SessionRequest(Session);

    /// <summary>Makes a session on the node asked.</summary>
    public sealed record Create(CreateSession What) : SessionRequest(What.Id);

    /// <summary>Closes the session everywhere; saves first.</summary>
    public sealed record Close(string Session) : SessionRequest(Session);

    /// <summary>Saves to a file from now on. Answered by <see cref="AttachReply"/>.</summary>
    /// <param name="Overwrite">Whether a file that is there already may be replaced.</param>
    public sealed record Attach(string Session, string Node, string Path, bool Overwrite) : SessionRequest(Session);

    /// <summary>Waits until none of these cells is queued or running, or the time is over. Answered by the version.</summary>
    public sealed record Wait(string Session, ImmutableArray<string> Cells, double Seconds) : SessionRequest(Session);

    /// <summary>Waits until no save is under way.</summary>
    public sealed record WaitSaved(string Session) : SessionRequest(Session);

    /// <summary>Events behind a version; waits for some, for so long. Answered by them and the version up to which they go, or <see cref="Gap"/>.</summary>
    /// <param name="After">Null = nothing but the present version.</param>
    public sealed record Events(string Session, long? After, double Seconds) : SessionRequest(Session)
    {
        /// <summary>In place of a version: the events are not here any more.</summary>
        public const long Gap = -1;
    }
}

/// <summary>What a new session begins with.</summary>
/// <param name="Id">The id; made by the node that was asked.</param>
/// <param name="Notebook">JSON of the notebook.</param>
/// <param name="Directory">Where code runs when there is no file; null = a directory of the session.</param>
/// <param name="FileNode">Node that has the file, and has locked it for this session.</param>
internal sealed record CreateSession(
    string Id,
    Livebook.Core.Notebooks.Notebook Notebook,
    ImmutableArray<string> Warnings,
    string? FileNode,
    string? FilePath,
    FileVersion? FileVersion,
    string? Directory = null
);

/// <summary>What became of an operation.</summary>
/// <param name="Version">The session's version that holds it.</param>
/// <param name="Resource">Id of what it made, e.g. a cell.</param>
/// <param name="Error">Why it was refused; null when accepted.</param>
public sealed record SubmitReply(long Version, string? Resource, string? Error);

/// <param name="ContentType">Null: not found, the body is the reason.</param>
public sealed record QueryReply(string? ContentType, long Version, byte[] Body);

/// <param name="Kind">Null when done; <c>exists</c>, <c>in_use</c> (<paramref name="Session"/> has it) or what a save can meet.</param>
public sealed record AttachReply(string? Kind, string? Message, string? Session);

/// <summary>One operation of a page on its way to the owner. Envelopes of one stream are numbered from 1 without gaps: what overtook a lost one is not taken.</summary>
internal sealed record SubmitEnvelope(string Session, string Stream, long Number, string Client, string User, long Ref, ClientOperation Operation);

/// <summary>Presence of a page on its way to the owner; <paramref name="Gone"/>: it left.</summary>
internal sealed record PresenceEnvelope(
    string Session,
    string Stream,
    string Client,
    bool Gone,
    string? Cell,
    int Revision,
    ImmutableArray<SelectionRange> Ranges
);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowOutOfOrderMetadataProperties = true
)]
[JsonSerializable(typeof(SessionRequest))]
[JsonSerializable(typeof(SubmitReply))]
[JsonSerializable(typeof(QueryReply))]
[JsonSerializable(typeof(AttachReply))]
[JsonSerializable(typeof(SubmitEnvelope))]
[JsonSerializable(typeof(PresenceEnvelope))]
[JsonSerializable(typeof(SessionSummary))]
internal sealed partial class SessionJson : JsonSerializerContext;

/// <summary>What an owner sends to a node that has viewers: the same bytes for all of them, or for one.</summary>
/// <param name="Client">Null = for every viewer.</param>
/// <param name="From">For <see cref="FrameKind.Entries"/>: the version in front.</param>
/// <param name="To">The version behind.</param>
internal readonly record struct ViewerFrame(FrameKind Kind, string Session, string? Client, long Epoch, long From, long To, ReadOnlyMemory<byte> Body)
{
    public byte[] ToBytes()
    {
        var session = Encoding.UTF8.GetBytes(Session);
        var client = Encoding.UTF8.GetBytes(Client ?? "");
        var bytes = new byte[1 + 2 + session.Length + 2 + client.Length + 24 + Body.Length];
        var at = bytes.AsSpan();
        at[0] = (byte)Kind;
        BinaryPrimitives.WriteUInt16LittleEndian(at[1..], (ushort)session.Length);
        session.CopyTo(at[3..]);
        at = at[(3 + session.Length)..];
        BinaryPrimitives.WriteUInt16LittleEndian(at, (ushort)client.Length);
        client.CopyTo(at[2..]);
        at = at[(2 + client.Length)..];
        BinaryPrimitives.WriteInt64LittleEndian(at, Epoch);
        BinaryPrimitives.WriteInt64LittleEndian(at[8..], From);
        BinaryPrimitives.WriteInt64LittleEndian(at[16..], To);
        Body.Span.CopyTo(at[24..]);
        return bytes;
    }

    /// <exception cref="InvalidDataException">Not a frame.</exception>
    public static ViewerFrame Parse(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var kind = (FrameKind)bytes.Span[0];
            var at = bytes[1..];
            var session = TakeText(ref at);
            var client = TakeText(ref at);
            var numbers = at.Span;
            return new ViewerFrame(
                kind,
                session,
                client.Length == 0 ? null : client,
                BinaryPrimitives.ReadInt64LittleEndian(numbers),
                BinaryPrimitives.ReadInt64LittleEndian(numbers[8..]),
                BinaryPrimitives.ReadInt64LittleEndian(numbers[16..]),
                at[24..]
            );
        }
        catch (Exception error) when (error is ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            throw new InvalidDataException("a viewer frame is cut short", error);
        }
    }

    private static string TakeText(ref ReadOnlyMemory<byte> at)
    {
        var length = BinaryPrimitives.ReadUInt16LittleEndian(at.Span);
        var text = Encoding.UTF8.GetString(at.Span.Slice(2, length));
        at = at[(2 + length)..];
        return text;
    }
}

internal enum FrameKind : byte
{
    /// <summary>Entries of the stream, for every viewer.</summary>
    Entries = 1,

    /// <summary>Presence: may be dropped.</summary>
    Presence = 2,

    /// <summary>An answer to one page.</summary>
    Answer = 3,

    /// <summary>The session is closed.</summary>
    Gone = 4,

    /// <summary>The owner does not know the stream that the body names, or a part of it is missing: its page joins again.</summary>
    Resync = 5,
}

/// <summary>Names of the channels between nodes.</summary>
internal static class Channels
{
    public const string Session = "session";
    public const string Submit = "session/submit";
    public const string Presence = "session/presence";
    public const string Viewers = "session/viewers";
    public const string Files = "files";
    public const string Blobs = "blobs";

    public static byte[] Pack<T>(T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(value, type);

    /// <exception cref="InvalidDataException">Not such a message.</exception>
    public static T Unpack<T>(ReadOnlyMemory<byte> bytes, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(bytes.Span, type) ?? throw new InvalidDataException("an empty message");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"not a {typeof(T).Name}: {error.Message}", error);
        }
    }
}
