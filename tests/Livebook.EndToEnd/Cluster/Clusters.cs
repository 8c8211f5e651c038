using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>Three nodes that the tests of one collection share; each test leaves all three running.</summary>
public sealed class ThreeNodes : IAsyncLifetime
{
    private Cluster? _cluster;

    internal Cluster Cluster => _cluster ?? throw new InvalidOperationException("the cluster is not started");

    public async ValueTask InitializeAsync() => _cluster = await Cluster.StartAsync(3, TestContext.Current.CancellationToken, Quick);

    public ValueTask DisposeAsync() => _cluster?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>No spare runtimes: they would cost every start of a node seconds of CPU.</summary>
    internal static IReadOnlyDictionary<string, string> Quick { get; } =
        new Dictionary<string, string>(StringComparer.Ordinal) { ["LIVEBOOK_SPARE_RUNTIMES"] = "0" };
}

/// <summary>Tests on one shared cluster, one at a time.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class SharedCluster : ICollectionFixture<ThreeNodes>
{
    public const string Name = "shared cluster";
}

/// <summary>A class of tests on the shared cluster: each finds all three nodes running, whatever the one before left.</summary>
public abstract class SharedClusterTests(ThreeNodes shared) : IAsyncLifetime
{
    internal Cluster Cluster { get; } = shared.Cluster;

    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        foreach (var node in Cluster.Nodes.Where(node => node.Process.HasExited))
            await node.StartAsync(Stop);
        await Cluster.UntilWholeAsync(Stop);
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}

/// <summary>Tests that start servers of their own, one at a time.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class OwnServers
{
    public const string Name = "own servers";
}
