using System.Collections.Concurrent;
using System.Text;
using Livebook.Cluster.Membership;
using Microsoft.Extensions.Logging;

namespace Livebook.Cluster.Messaging;

/// <summary>
/// Requests, answers and one-way messages between nodes. Everything but the handlers runs on the node's loop.
/// <paramref name="internalMessage"/> receives what the node's own parts tell each other (streams that begin with <see cref="Internal"/>).
/// </summary>
internal sealed class Messenger(IMesh mesh, Loop loop, Loop listening, TimeProvider time, ILogger log, Action<string, ReadOnlyMemory<byte>> internalMessage)
{
    /// <summary>Largest payload of a request, an answer or a message, in bytes.</summary>
    public const int MaximumPayload = 64 * 1024 * 1024;

    /// <summary>First letter of the streams that other parts of the node use.</summary>
    public const char Internal = 'k';

    private const char Request = 'q';
    private const char Answer = 'a';
    private const char Message = 't';

    private sealed record Peer(Link Link, Streams Streams);

    private sealed record Question(string Node, TaskCompletionSource<ReadOnlyMemory<byte>> Done);

    private readonly ConcurrentDictionary<string, Func<string, ReadOnlyMemory<byte>, CancellationToken, Task<ReadOnlyMemory<byte>>>> handlers = new();
    private readonly ConcurrentDictionary<string, Action<string, ReadOnlyMemory<byte>>> listeners = new();
    private readonly Dictionary<string, Peer> peers = [];
    private readonly Dictionary<string, Question> questions = [];
    private readonly Dictionary<(string Node, string Id), CancellationTokenSource> running = [];
    private long lastQuestion;

    public void Handle(string channel, Func<string, ReadOnlyMemory<byte>, CancellationToken, Task<ReadOnlyMemory<byte>>> handler) =>
        handlers[channel] = handler;

    public void Listen(string channel, Action<string, ReadOnlyMemory<byte>> listener) => listeners[channel] = listener;

    public async Task<ReadOnlyMemory<byte>> RequestAsync(string node, string channel, ReadOnlyMemory<byte> payload, CancellationToken stop)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(payload.Length, MaximumPayload);
        if (node == mesh.Self)
        {
            return await AskSelfAsync(channel, payload, stop);
        }
        var question = new Question(node, new TaskCompletionSource<ReadOnlyMemory<byte>>(TaskCreationOptions.RunContinuationsAsynchronously));
        var id = Interlocked.Increment(ref lastQuestion).ToString();
        if (!loop.Post(() => Ask(id, question, channel, payload)))
        {
            throw new NodeUnreachableException("This node has stopped.");
        }
        try
        {
            return await question.Done.Task.WaitAsync(stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            loop.Post(() => Withdraw(id, node));
            throw;
        }
    }

    public void Tell(string node, string channel, ReadOnlyMemory<byte> payload)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(payload.Length, MaximumPayload);
        if (node == mesh.Self)
        {
            listening.Post(() => Hear(node, channel, payload));
            return;
        }
        loop.Post(() =>
        {
            // What is told may be lost; what the node's own parts say may not, and must not pile up behind it.
            if (peers.TryGetValue(node, out var peer) && peer.Link.PendingBytes < 2L * MaximumPayload)
            {
                peer.Streams.Send(Message + channel, payload);
            }
        });
    }

    /// <summary>On the loop: sends between the node's own parts. Lost only when the node is out of the cluster.</summary>
    public void TellInternal(string node, string stream, ReadOnlyMemory<byte> payload)
    {
        if (peers.TryGetValue(node, out var peer))
        {
            peer.Streams.Send(Internal + stream, payload);
        }
    }

    /// <summary>On the loop: a peer (an incarnation of it) is there.</summary>
    public void Connect(string node, long incarnation, long self)
    {
        Disconnect(node);
        var link = new Link(self, incarnation, frame => mesh.Tell(node, frame));
        var streams = new Streams(link.Send, (stream, payload) => Deliver(node, stream, payload));
        peers[node] = new Peer(link, streams);
        link.Greet();
    }

    /// <summary>On the loop: a peer is out for good.</summary>
    public void Disconnect(string node)
    {
        peers.Remove(node);
        foreach (var (id, question) in questions.Where(pair => pair.Value.Node == node).ToList())
        {
            questions.Remove(id);
            question.Done.TrySetException(new NodeUnreachableException($"Node {node} left the cluster before it answered."));
        }
        foreach (var (key, source) in running.Where(pair => pair.Key.Node == node).ToList())
        {
            running.Remove(key);
            CancelLater(source);
        }
    }

    /// <summary>On the loop: raw bytes from a member.</summary>
    public void Receive(string node, ReadOnlyMemory<byte> frame)
    {
        if (!peers.TryGetValue(node, out var peer))
        {
            return;
        }
        try
        {
            if (peer.Link.Receive(frame, Now) is { } body)
            {
                peer.Streams.Receive(body);
            }
        }
        catch (InvalidDataException error)
        {
            log.LogWarning("A message from {Node} makes no sense and is dropped: {Reason}", node, error.Message);
        }
    }

    /// <summary>On the loop: at the end of every batch.</summary>
    public void Flush()
    {
        foreach (var peer in peers.Values)
        {
            peer.Link.Flush();
        }
    }

    public void Tick()
    {
        long unconfirmed = 0;
        foreach (var peer in peers.Values)
        {
            peer.Link.Tick(Now);
            unconfirmed += peer.Link.PendingBytes;
        }
        UnconfirmedBytes = unconfirmed;
    }

    /// <summary>Bytes that peers have not confirmed, when it was last looked.</summary>
    public long UnconfirmedBytes
    {
        get => Volatile.Read(ref field);
        private set => Volatile.Write(ref field, value);
    }

    /// <summary>On the loop: the node stops; nobody will answer any more.</summary>
    public void Stop() => peers.Keys.ToList().ForEach(Disconnect);

    private TimeSpan Now => time.GetElapsedTime(0);

    private async Task<ReadOnlyMemory<byte>> AskSelfAsync(string channel, ReadOnlyMemory<byte> payload, CancellationToken stop)
    {
        try
        {
            return await Task.Run(() => AnswerAsync(mesh.Self, channel, payload, stop), stop);
        }
        catch (Exception error) when (error is not OperationCanceledException || !stop.IsCancellationRequested)
        {
            throw new RemoteException(error.Message);
        }
    }

    private async Task<ReadOnlyMemory<byte>> AnswerAsync(string from, string channel, ReadOnlyMemory<byte> payload, CancellationToken stop)
    {
        var handler = handlers.GetValueOrDefault(channel) ?? throw new InvalidOperationException($"Nobody answers on \"{channel}\" here.");
        var answer = await handler(from, payload, stop);
        return answer.Length <= MaximumPayload ? answer : throw new InvalidOperationException($"The answer is larger than {MaximumPayload} bytes.");
    }

    private void Ask(string id, Question question, string channel, ReadOnlyMemory<byte> payload)
    {
        if (!peers.TryGetValue(question.Node, out var peer))
        {
            question.Done.TrySetException(new NodeUnreachableException($"Node {question.Node} is not a member of the cluster."));
            return;
        }
        questions[id] = question;
        peer.Streams.Send(Request + id, new WireWriter(payload.Length + 64).Text(channel).Raw(payload.Span).Written);
    }

    private void Withdraw(string id, string node)
    {
        if (questions.Remove(id) && peers.TryGetValue(node, out var peer))
        {
            // On the stream of the request, so that it cannot come before it.
            peer.Streams.Send(Request + id, default);
        }
    }

    private void Deliver(string node, string stream, ReadOnlyMemory<byte> payload)
    {
        var name = stream.Length > 0 ? stream[1..] : throw new InvalidDataException("A stream without a name.");
        switch (stream[0])
        {
            case Request when payload.IsEmpty:
                if (running.Remove((node, name), out var source))
                {
                    CancelLater(source);
                }
                break;
            case Request:
                var from = new WireReader(payload);
                BeginAnswer(node, name, from.Text(), from.Rest());
                break;
            case Answer:
                Complete(name, new WireReader(payload));
                break;
            case Message:
                listening.Post(() => Hear(node, name, payload));
                break;
            case Internal:
                internalMessage(node, payload);
                break;
            default:
                throw new InvalidDataException("A stream of unknown kind.");
        }
    }

    private void BeginAnswer(string node, string id, string channel, ReadOnlyMemory<byte> payload)
    {
        var source = new CancellationTokenSource();
        var stop = source.Token;
        running[(node, id)] = source;
        _ = Task.Run(
            async () =>
            {
                WireWriter answer;
                try
                {
                    var bytes = await AnswerAsync(node, channel, payload, stop);
                    answer = new WireWriter(bytes.Length + 1).Byte(1).Raw(bytes.Span);
                }
                catch (Exception error)
                {
                    answer = new WireWriter().Byte(0).Raw(Encoding.UTF8.GetBytes(error.Message));
                }
                loop.Post(() =>
                {
                    if (running.Remove((node, id), out var own))
                    {
                        own.Dispose();
                        peers.GetValueOrDefault(node)?.Streams.Send(Answer + id, answer.Written);
                    }
                });
            },
            CancellationToken.None
        );
    }

    private void Complete(string id, WireReader answer)
    {
        var fine = answer.Byte() == 1;
        if (!questions.Remove(id, out var question))
        {
            return;
        }
        if (fine)
        {
            question.Done.TrySetResult(answer.Rest());
        }
        else
        {
            question.Done.TrySetException(new RemoteException(Encoding.UTF8.GetString(answer.Rest().Span)));
        }
    }

    private void Hear(string node, string channel, ReadOnlyMemory<byte> payload)
    {
        if (listeners.TryGetValue(channel, out var listener))
        {
            listener(node, payload);
        }
    }

    /// <summary>Callbacks of a token are foreign code and stay off the loop.</summary>
    private static void CancelLater(CancellationTokenSource source) => _ = Task.Run(source.Cancel);
}
