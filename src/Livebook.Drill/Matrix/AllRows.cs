using System.Collections.Immutable;
using Livebook.Drill.Matrix.Rows;

namespace Livebook.Drill.Matrix;

/// <summary>The fault matrix: rows that a drill makes happen, and those that other tests show.</summary>
public static class AllRows
{
    public static ImmutableArray<Row> Driven { get; } = [new Row05OwnerKilled()];

    public static ImmutableArray<ElsewhereRow> Elsewhere { get; } = [];
}
