namespace Livebook.Server.Sessions;

/// <summary>The last events of a session, by version; bounded. Readers come and go, and what they have not read is kept for nobody longer than that.</summary>
internal sealed class EventRing(long version)
{
    private const int MaximumSteps = 4_096;
    private const int MaximumBytes = 4 * 1024 * 1024;

    /// <summary>Bytes of one answer, unless a single step has more.</summary>
    private const int AnswerBytes = 512 * 1024;

    private readonly Lock _lock = new();
    private readonly LinkedList<(long From, long To, byte[] Events)> _steps = [];
    private long _version = version;
    private int _bytes;

    public void Add(long to, byte[] events)
    {
        lock (_lock)
        {
            _steps.AddLast((_version, to, events));
            _version = to;
            _bytes += events.Length;
            while (_steps.Count > MaximumSteps || (_bytes > MaximumBytes && _steps.Count > 1))
            {
                _bytes -= _steps.First!.Value.Events.Length;
                _steps.RemoveFirst();
            }
        }
    }

    /// <summary>What came behind a version, and the version up to which that goes; null when a part of it is not here any more.</summary>
    public (long Version, byte[] Events)? After(long version)
    {
        lock (_lock)
        {
            if (version == _version)
                return (version, []);
            var node = _steps.Last;
            while (node is not null && node.Value.From > version)
                node = node.Previous;
            if (node is null || node.Value.From != version)
                return null;
            using var events = new MemoryStream();
            for (; node is not null && (events.Length == 0 || events.Length + node.Value.Events.Length <= AnswerBytes); node = node.Next)
            {
                events.Write(node.Value.Events);
                version = node.Value.To;
            }
            return (version, events.ToArray());
        }
    }
}
