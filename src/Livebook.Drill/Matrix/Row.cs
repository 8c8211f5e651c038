using System.Collections.Immutable;
using Livebook.Drill.Faults;
using Livebook.Drill.Load;
using Livebook.Drill.Nodes;
using Livebook.Drill.Reports;

namespace Livebook.Drill.Matrix;

/// <summary>One row of the fault matrix: what is done, and within which bound everything must be well.</summary>
public abstract class Row
{
    public abstract int Number { get; }

    public abstract string What { get; }

    /// <summary>The bound, in words.</summary>
    public abstract string Bound { get; }

    /// <summary>Makes it happen. Throws or notes violations; the end of the load is checked by whoever runs the row.</summary>
    internal abstract Task RunAsync(RowContext row, CancellationToken stop);
}

/// <summary>A row that is checked elsewhere, or cannot be had.</summary>
/// <param name="By">Which tests, or why not.</param>
public sealed record ElsewhereRow(int Number, string What, string Bound, string By);

/// <summary>What a row works with.</summary>
/// <param name="Full">Full lengths; else shortened.</param>
internal sealed record RowContext(DrillCluster Cluster, Watcher Watcher, SessionRun Load, Nemesis Nemesis, bool Full)
{
    public List<string> Violations { get; } = [];

    public List<Measure> Measures { get; } = [];

    /// <summary>What was measured where faults have no measure of their own.</summary>
    public List<TimeSpan> Times { get; } = [];

    /// <summary>The shortened or the full length.</summary>
    public int Seconds(int brief, int whole) => Full ? whole : brief;

    public async Task<Measure> ApplyAsync(Fault fault, CancellationToken stop)
    {
        var measure = await Nemesis.ApplyAsync(fault, stop);
        Measures.Add(measure);
        return measure;
    }

    public void Check(bool holds, string violation)
    {
        if (!holds)
            Violations.Add(violation);
    }
}

/// <summary>What came of a row.</summary>
/// <param name="Done">What was done, in words.</param>
/// <param name="Times">What the bound is about.</param>
public sealed record RowResult(int Number, string What, string Done, string Bound, ImmutableArray<TimeSpan> Times, ImmutableArray<string> Violations)
{
    /// <summary>Null: it ran; else why not.</summary>
    public string? Elsewhere { get; init; }

    public override string ToString()
    {
        var spread = DrillReport.Spread(Times.Select(time => (TimeSpan?)time)).Split(" / ");
        var result = Elsewhere ?? (Violations.IsEmpty ? "held" : $"{Violations.Length} violations");
        return $"| {Number} | {What} | {Done} | {Bound} | {spread[0]} | {spread[^1]} | {result} |";
    }
}
