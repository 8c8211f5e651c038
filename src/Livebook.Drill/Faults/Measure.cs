namespace Livebook.Drill.Faults;

/// <summary>What one fault cost.</summary>
/// <param name="Detection">Until every node that could see it had noticed; null: nothing to notice, or nobody did.</param>
/// <param name="Failover">Until the next owner acknowledged the first edit; null: the owner did not change.</param>
/// <param name="LongestWait">The longest that an edit of any page waited, from the fault to its end.</param>
/// <param name="OwnerChanges">How often the session got another owner.</param>
public sealed record Measure(Fault Fault, TimeSpan? Detection, TimeSpan? Failover, TimeSpan LongestWait, long OwnerChanges)
{
    /// <summary>From the start of a node until all counted it and it counted all; null: none was started.</summary>
    public TimeSpan? Rejoined { get; init; }
}
