using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>Nodes that die and come back.</summary>
[Collection(SharedCluster.Name)]
public sealed class ReturnTests(ThreeNodes shared) : SharedClusterTests(shared)
{
    [Fact]
    public async Task A_node_that_returns_learns_where_every_session_is_and_none_has_two_owners()
    {
        var sessions = new List<string>();
        foreach (var number in Enumerable.Range(0, 9))
            sessions.Add(await Cluster.Nodes[number % 3].CreateSessionAsync($"Session {number}", Stop));
        foreach (var session in sessions)
            await Cluster.UntilAgreedAsync(session, Stop);
        var before = await Cluster.Nodes[0].PlacesAsync(Stop);

        // Where they are depends on what other tests have left: new ones go to the node with the fewest.
        var gone = Cluster.Named(before[sessions[0]].Owner);
        var others = Cluster.Nodes.Where(node => node != gone).ToArray();
        await gone.KillAsync();
        foreach (var session in sessions)
            await Wait.UntilAsync(
                async () => (await others[0].PlacesAsync(Stop))[session].Owner != gone.Name,
                $"session {session} has left the dead node",
                Stop
            );
        var deleted = sessions.First(session => before[session].Owner == gone.Name);
        await others[1].SendAsync(HttpMethod.Delete, $"sessions/{deleted}", null, Stop);
        await gone.StartAsync(Stop);
        await Cluster.UntilWholeAsync(Stop);

        foreach (var session in sessions.Where(session => session != deleted))
        {
            var after = await Cluster.UntilAgreedAsync(session, Stop);
            Assert.Equal(before[session].Owner == gone.Name, after.Epoch > before[session].Epoch);
            Assert.Equal(before[session].Owner != gone.Name, after.Owner == before[session].Owner);
        }
        foreach (var node in Cluster.Nodes)
            Assert.DoesNotContain(deleted, await node.PlacesAsync(Stop));
    }
}
