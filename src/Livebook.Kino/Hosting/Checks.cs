using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace Livebook.Kino.Hosting;

/// <summary>What the runtime weaves into the code of cells, so that it can be stopped. For the runtime, not for notebooks.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class Checks
{
    private static volatile bool armed;

    /// <summary>While false a check costs one read of a field; while true it looks up the run it belongs to.</summary>
    public static bool Armed
    {
        get => armed;
        set => armed = value;
    }

    /// <summary>Ends the calling code if its run was asked to stop.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check()
    {
        if (armed)
            Look();
    }

    /// <summary>As <see cref="Check"/>, and turns an endless recursion into an exception.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Enter()
    {
        if (armed)
            Look();
        RuntimeHelpers.EnsureSufficientExecutionStack();
    }

    /// <summary>Remembers the resource of a top-level <c>using</c> declaration until the end of the cell.</summary>
    public static void DisposeAtEnd(object? resource) => CellRun.Current?.DisposeAtEnd(resource);

    private static void Look()
    {
        if (CellRun.Current is { StopRequested: true } run)
            throw new OperationCanceledException("The evaluation was stopped.", run.Stopping);
    }
}
