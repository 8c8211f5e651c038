using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>What tests ask of a whole cluster.</summary>
internal static class ClusterQuestions
{
    /// <inheritdoc cref="Notebooks.UntilAgreedAsync"/>
    public static Task<Place> UntilAgreedAsync(this Cluster cluster, string session, CancellationToken stop) => cluster.Nodes.UntilAgreedAsync(session, stop);
}
