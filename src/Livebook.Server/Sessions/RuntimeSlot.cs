using Livebook.Server.Runtimes;

namespace Livebook.Server.Sessions;

/// <summary>The one runtime of a session. Starts end on threads of their own, while the session's loop may have asked for another one or for none.</summary>
internal sealed class RuntimeSlot
{
    private readonly Lock _lock = new();
    private IRuntime? _present;
    private int _expected;

    /// <summary>The runtime that commands go to.</summary>
    public IRuntime? Present
    {
        get
        {
            lock (_lock)
                return _present;
        }
    }

    /// <summary>From now on only the runtime of this start is taken.</summary>
    public void Expect(int start)
    {
        lock (_lock)
            _expected = start;
    }

    /// <summary>Puts a runtime in; false when nobody expects it any more.</summary>
    public bool Take(IRuntime runtime, int start)
    {
        lock (_lock)
        {
            if (_expected != start)
                return false;
            _present = runtime;
            return true;
        }
    }

    /// <summary>Takes a runtime out, if it is still in.</summary>
    public void Drop(IRuntime runtime)
    {
        lock (_lock)
        {
            if (ReferenceEquals(_present, runtime))
                _present = null;
        }
    }

    /// <summary>Takes out what is in; nothing is expected any more.</summary>
    public IRuntime? Clear()
    {
        lock (_lock)
        {
            var present = _present;
            (_present, _expected) = (null, 0);
            return present;
        }
    }
}
