using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Livebook.Cluster;
using Livebook.Core.Json;
using Livebook.Core.Wire;

namespace Livebook.Server.Sessions;

/// <summary>
/// One page's connection. Joins its session at whoever owns it, passes submissions on in order, and gives the page an unbroken stream:
/// what breaks (the owner moved, a message was lost, the page was too slow) ends in a <see cref="ServerMessage.Resync"/>, upon which the page joins again.
/// </summary>
public sealed class Page : IAsyncDisposable
{
    private readonly Pages _pages;
    private readonly IPageSink _sink;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _closed = new();
    private readonly Dictionary<long, DateTimeOffset> _unanswered = [];
    private readonly List<ViewerFrame> _early = [];
    private CancellationTokenSource? _joining;
    private ClientMessage.JoinSession? _join;
    private PageState _state;
    private string _stream = "";
    private string _owner = "";
    private long _submissions;
    private long _epoch;
    private long _version;
    private ServerMessage.Condition? _condition;

    internal Page(Pages pages, IPageSink sink)
    {
        _pages = pages;
        _sink = sink;
    }

    /// <summary>Session that the page shows, or wants to.</summary>
    internal string? Session => _join?.Session;

    internal string? Client => _join?.Client;

    internal bool WatchesHome { get; private set; }

    private enum PageState
    {
        /// <summary>No session, or told to join again.</summary>
        Idle,
        Joining,
        Live,
    }

    internal static byte[] Pack(ServerMessage message) => JsonSerializer.SerializeToUtf8Bytes(message, WireJson.Default.ServerMessage);

    /// <summary>Takes one message of the page. Messages of one page must not overlap.</summary>
    /// <exception cref="InvalidDataException">The page does not keep to the protocol: close the connection.</exception>
    public void Handle(ClientMessage message)
    {
        switch (message)
        {
            case ClientMessage.JoinSession join:
                Join(join);
                break;
            case ClientMessage.WatchHome:
                WatchesHome = true;
                SendOrRestart(_pages.HomeMessage());
                break;
            case ClientMessage.Submit submit:
                Submit(submit);
                break;
            case ClientMessage.ReportPresence presence:
                Tell(Channels.Presence, new PresenceEnvelope(Session ?? "", _stream, Client ?? "", false, presence.Cell, presence.Revision, presence.Ranges));
                break;
            case ClientMessage.Ping(var at):
                SendOrRestart(Pack(new ServerMessage.Pong(at)));
                break;
            default:
                throw new InvalidDataException($"no message {message.GetType().Name} is known");
        }
    }

    private void Join(ClientMessage.JoinSession join)
    {
        if (join.Client.Length is < 8 or > 64 || join.UserName.Length > 100 || join.UserColor.Length > 32)
            throw new InvalidDataException("a join names a client of 8 to 64 characters and a user of at most 100");
        lock (_lock)
        {
            _joining?.Cancel();
            if (_join is { } before && before.Session != join.Session)
                _pages.Unregister(before.Session, this);
            _join = join;
            _stream = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
            _submissions = 0;
            _unanswered.Clear();
            _early.Clear();
            _state = PageState.Joining;
            _joining = CancellationTokenSource.CreateLinkedTokenSource(_closed.Token);
            _pages.Register(join.Session, this);
            ConditionMayHaveChanged();
            _ = JoinAsync(join, _stream, _joining.Token);
        }
    }

    private async Task JoinAsync(ClientMessage.JoinSession join, string stream, CancellationToken stop)
    {
        // The caller holds the lock.
        await Task.Yield();
        try
        {
            var request = new SessionRequest.Join(join.Session, stream, join.Client, join.UserName, join.UserColor, join.Epoch, join.Version, join.Texts);
            var reply = await _pages.Sessions.AskPatientlyAsync(request, stop);
            lock (_lock)
            {
                if (_stream != stream || _state != PageState.Joining)
                    return;
                _state = PageState.Live;
                _epoch = reply.Epoch;
                _version = reply.Version;
                _owner = _pages.Cluster.Logs.TryGetValue(join.Session, out var log) ? log.Owner : "";
                SendOrRestart(reply.Body);
                foreach (var frame in _early.ToArray())
                    Pass(frame);
                _early.Clear();
            }
            ConditionMayHaveChanged();
        }
        catch (SessionNotFoundException error)
        {
            GiveUp(error.Message);
        }
        catch (SessionRefusedException error)
        {
            GiveUp(error.Message);
        }
        catch (OperationCanceledException) { }
        catch (Exception error) when (error is InvalidDataException or JsonException)
        {
            Pages.LogJoinFailed(_pages.Logger, join.Session, error);
            GiveUp("The session could not be joined.");
        }

        void GiveUp(string reason)
        {
            lock (_lock)
            {
                if (_stream == stream)
                    _state = PageState.Idle;
            }
            SendOrRestart(Pack(new ServerMessage.Gone(reason)));
        }
    }

    private void Submit(ClientMessage.Submit submit)
    {
        SubmitEnvelope envelope;
        lock (_lock)
        {
            // Between a break and the next join nothing is taken: the page sends it again behind the join.
            if (_state != PageState.Live || _join is not { } join)
                return;
            _unanswered[submit.Ref] = _pages.Time.GetUtcNow();
            envelope = new SubmitEnvelope(join.Session, _stream, ++_submissions, join.Client, join.UserName, submit.Ref, submit.Operation);
        }
        _pages.Cluster.Tell(_owner, Channels.Submit, Channels.Pack(envelope, SessionJson.Default.SubmitEnvelope));
    }

    private void Tell(string channel, PresenceEnvelope envelope)
    {
        if (_owner.Length > 0)
            _pages.Cluster.Tell(_owner, channel, Channels.Pack(envelope, SessionJson.Default.PresenceEnvelope));
    }

    internal void Receive(ViewerFrame frame)
    {
        lock (_lock)
        {
            switch (_state)
            {
                case PageState.Joining:
                    _early.Add(frame);
                    break;
                case PageState.Live:
                    Pass(frame);
                    break;
            }
        }
    }

    private void Pass(ViewerFrame frame)
    {
        if (frame.Epoch < _epoch || _state != PageState.Live)
            return;
        switch (frame.Kind)
        {
            case FrameKind.Entries when frame.Epoch > _epoch:
                Break("the session has another owner");
                break;
            case FrameKind.Entries when frame.To <= _version:
                break;
            case FrameKind.Entries when frame.From != _version:
                Break("a part of the session's stream is missing");
                break;
            case FrameKind.Entries:
                _version = frame.To;
                SendOrRestart(frame.Body);
                break;
            case FrameKind.Presence:
                _ = _sink.Send(frame.Body);
                break;
            case FrameKind.Answer:
                Answered(frame.Body);
                SendOrRestart(frame.Body);
                break;
            case FrameKind.Gone:
                _state = PageState.Idle;
                SendOrRestart(frame.Body);
                break;
            case FrameKind.Resync when Encoding.UTF8.GetString(frame.Body.Span) == _stream:
                Break("the session's server asks for it");
                break;
        }
    }

    private void Answered(ReadOnlyMemory<byte> body)
    {
        var reader = new Utf8JsonReader(body.Span);
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1 && reader.ValueTextEquals("ref"u8))
            {
                reader.Read();
                _unanswered.Remove(reader.GetInt64());
                return;
            }
        }
    }

    /// <summary>Sends, or when the page is too slow: drops everything and lets it join again.</summary>
    internal void SendOrRestart(ReadOnlyMemory<byte> message)
    {
        if (_sink.Send(message))
            return;
        lock (_lock)
        {
            if (_state == PageState.Live)
                _state = PageState.Idle;
        }
        _sink.Restart(Pack(new ServerMessage.Resync("this page was too slow")));
    }

    private void Break(string reason)
    {
        _state = PageState.Idle;
        _early.Clear();
        SendOrRestart(Pack(new ServerMessage.Resync(reason)));
    }

    internal void ResyncIfUnansweredSince(DateTimeOffset time)
    {
        lock (_lock)
        {
            if (_state == PageState.Live && _unanswered.Count > 0 && _unanswered.Values.Min() < time && _pages.IsReachable(_owner))
            {
                _unanswered.Clear();
                Break("an answer is missing");
            }
        }
    }

    /// <summary>Tells the page what this node can do now, if that is news; and joins it again when its session has moved.</summary>
    internal void ConditionMayHaveChanged()
    {
        lock (_lock)
        {
            LogEntryInfo? log = null;
            var known = _join is { } join && _pages.Cluster.Logs.TryGetValue(join.Session, out log);
            if (known && _state == PageState.Live && (log!.Owner != _owner || log.Epoch > _epoch))
                Break("the session has another owner");
            var owner = log?.Owner ?? "";
            var reachable = _join is null || (known && CanAcknowledge(log!));
            var condition = new ServerMessage.Condition(
                StatusName(_pages.Cluster),
                reachable,
                _pages.Cluster.Self,
                owner,
                log?.Standby,
                known || _join is null ? null : WordsOfAway(_join.Session)
            );
            if (condition == _condition)
                return;
            _condition = condition;
            SendOrRestart(Pack(condition));
        }
    }

    /// <summary>Whether, as far as this node can tell, what the page sends is answered: the owner is there, and whoever must have a second copy first.</summary>
    private bool CanAcknowledge(LogEntryInfo log) =>
        _pages.IsReachable(log.Owner) && (log.Owner != _pages.Cluster.Self || log.Standby is not { } standby || _pages.IsReachable(standby));

    /// <summary>What to say of a session whose nodes are all away; null when that is not known of it.</summary>
    private string? WordsOfAway(string session)
    {
        if (!_pages.Cluster.Away.TryGetValue(session, out var log))
            return null;
        var nodes = log.Standby is { } standby
            ? $"{log.Owner} and {standby}, the nodes of this session, are away"
            : $"{log.Owner}, the node of this session, is away";
        return $"{nodes}. It goes on by itself when one of them is back, with everything that was confirmed.";
    }

    internal void SendAway() => _sink.SendAway();

    internal static string StatusName(ICluster cluster) =>
        cluster.Status switch
        {
            NodeStatus.Member when cluster.IsDraining => "draining",
            NodeStatus.Alone => "alone",
            NodeStatus.Joining => "joining",
            NodeStatus.Member => "member",
            _ => "minority",
        };

    /// <summary>The connection is gone.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_join is { } join)
            Tell(Channels.Presence, new PresenceEnvelope(join.Session, _stream, join.Client, true, null, 0, []));
        _pages.Disconnected(this);
        await _closed.CancelAsync();
        _joining?.Dispose();
        _closed.Dispose();
    }
}
