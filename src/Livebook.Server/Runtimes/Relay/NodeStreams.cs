using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Livebook.Cluster;

namespace Livebook.Server.Runtimes.Relay;

/// <summary>
/// Byte streams between nodes. Each piece is a request, answered when the other side has room for the next, so neither end runs ahead.
/// A stream ends on both sides when either closes it, or when the other node leaves or is another process by now.
/// </summary>
internal sealed class NodeStreams : IDisposable
{
    private const string Channel = "streams";
    private static readonly TimeSpan FarewellPatience = TimeSpan.FromSeconds(2);

    private readonly ICluster _cluster;
    private readonly Func<string, ReadOnlyMemory<byte>, CancellationToken, Task<Stream>> _serve;
    private readonly ConcurrentDictionary<(string Node, string Id), NodeStream> _open = new();

    /// <param name="serve">Opens what another node asks for; the message of what it throws reaches the asker.</param>
    public NodeStreams(ICluster cluster, Func<string, ReadOnlyMemory<byte>, CancellationToken, Task<Stream>> serve)
    {
        _cluster = cluster;
        _serve = serve;
        cluster.Handle(Channel, AnswerAsync);
        cluster.Changed += LookAtMembers;
    }

    private enum Part : byte
    {
        Open = 1,
        Data = 2,
        End = 3,
    }

    /// <summary>Asks a node for a stream.</summary>
    /// <exception cref="NodeUnreachableException">The node is not a member.</exception>
    /// <exception cref="RemoteException">It refused.</exception>
    public async Task<Stream> OpenAsync(string node, ReadOnlyMemory<byte> opening, CancellationToken stop)
    {
        var stream = Add(node, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)));
        try
        {
            await AskAsync(stream, Part.Open, opening, stop);
            return stream;
        }
        catch
        {
            Remove(stream);
            throw;
        }
    }

    internal Task SendAsync(NodeStream stream, ReadOnlyMemory<byte> bytes, CancellationToken stop) => AskAsync(stream, Part.Data, bytes, stop);

    /// <summary>Ends a stream here and tells the other side, as far as it can be told.</summary>
    internal async Task CloseAsync(NodeStream stream)
    {
        if (!Remove(stream))
            return;
        using var limit = new CancellationTokenSource(FarewellPatience);
        await AskAsync(stream, Part.End, default, limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private NodeStream Add(string node, string id)
    {
        var stream = new NodeStream(this, node, id, StartOf(node));
        return _open.TryAdd((node, id), stream) ? stream : throw new InvalidDataException("there is a stream of that name");
    }

    private bool Remove(NodeStream stream)
    {
        stream.End();
        return _open.TryRemove(KeyValuePair.Create((stream.Node, stream.Id), stream));
    }

    private DateTimeOffset? StartOf(string node) => _cluster.Members.FirstOrDefault(member => member.Name == node)?.StartedAt;

    private void LookAtMembers()
    {
        foreach (var stream in _open.Values.Where(stream => StartOf(stream.Node) != stream.NodeStartedAt))
            Remove(stream);
    }

    private Task AskAsync(NodeStream stream, Part part, ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        var id = Encoding.ASCII.GetBytes(stream.Id);
        var message = new byte[2 + id.Length + bytes.Length];
        (message[0], message[1]) = ((byte)part, (byte)id.Length);
        id.CopyTo(message, 2);
        bytes.CopyTo(message.AsMemory(2 + id.Length));
        return _cluster.RequestAsync(stream.Node, Channel, message, stop);
    }

    private async Task<ReadOnlyMemory<byte>> AnswerAsync(string from, ReadOnlyMemory<byte> payload, CancellationToken stop)
    {
        if (payload.Length < 2 || payload.Length < 2 + payload.Span[1])
            throw new InvalidDataException("a part of a stream is cut short");
        var id = Encoding.ASCII.GetString(payload.Span.Slice(2, payload.Span[1]));
        var body = payload[(2 + payload.Span[1])..];
        switch ((Part)payload.Span[0])
        {
            case Part.Open:
                var local = await _serve(from, body, stop);
                _ = JoinAsync(Add(from, id), local);
                break;
            case Part.Data when _open.TryGetValue((from, id), out var stream):
                await stream.TakeAsync(body, stop);
                break;
            case Part.Data:
                throw new IOException("that stream has ended");
            case Part.End when _open.TryGetValue((from, id), out var stream):
                Remove(stream);
                break;
        }
        return default;
    }

    private static async Task JoinAsync(NodeStream remote, Stream local)
    {
        await using (remote)
        await using (local)
            await ((Task)Task.WhenAny(remote.CopyToAsync(local, NodeStream.PieceBytes), local.CopyToAsync(remote, NodeStream.PieceBytes))).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing
            );
    }

    public void Dispose()
    {
        _cluster.Changed -= LookAtMembers;
        foreach (var stream in _open.Values)
            Remove(stream);
    }
}
