using System.Text.Json;
using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>What tests ask of a session by the API, beside what a drill asks.</summary>
internal static class SessionQuestions
{
    public static Task<Place> UntilAgreedAsync(this Cluster cluster, string session, CancellationToken stop) => cluster.Nodes.UntilAgreedAsync(session, stop);
}
