using System.Collections.Concurrent;
using Livebook.Kino.Hosting;

namespace Livebook.Runtime.Capture;

/// <summary>The runs in progress and where their output goes.</summary>
internal sealed class RunningCells
{
    private readonly ConcurrentDictionary<CellRun, CellOutput> outputs = new();
    private volatile CellOutput? latest;
    private Action? bringInNativeOutput;

    /// <summary>The run that started last and is in progress: whatever cannot say which cell it belongs to goes there.</summary>
    public CellOutput? Latest => latest;

    /// <summary>
    /// When set, called before each managed write. <see cref="System.Console.ForegroundColor"/> writes its codes past
    /// <see cref="System.Console.Out"/> straight to the descriptor; so they are fetched first and stay in order.
    /// </summary>
    public Action? BeforeWrite
    {
        set => Volatile.Write(ref bringInNativeOutput, value);
    }

    public void BringInNativeOutput() => Volatile.Read(ref bringInNativeOutput)?.Invoke();

    public CellOutput? Find(CellRun? run) => run is null ? latest : outputs.GetValueOrDefault(run);

    public bool Contains(CellOutput output) => outputs.ContainsKey(output.Run);

    public void Add(CellOutput output)
    {
        outputs[output.Run] = output;
        latest = output;
    }

    public void Remove(CellOutput output)
    {
        outputs.TryRemove(output.Run, out _);
        latest = outputs.Values.FirstOrDefault();
    }
}
