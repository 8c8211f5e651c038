using System.Collections.Concurrent;
using static Livebook.Cluster.Tests.Logs.TestCluster;

namespace Livebook.Cluster.Tests.Logs;

/// <summary>Random single failures, seeded, under constant appends; then: everything acknowledged is there, in order, once.</summary>
public sealed class SimulationTests
{
    private static readonly string[] Names = ["a", "b", "c"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Nothing_acknowledged_is_lost_through_kills_and_cuts(int seed) => Assert.Empty(await RunAsync(seed, unsafely: false));

    [Fact]
    public async Task The_check_fails_without_replication()
    {
        var lost = new List<string>();
        for (var seed = 1; seed <= 3 && lost.Count == 0; seed++)
        {
            lost.AddRange(await RunAsync(seed, unsafely: true));
        }
        Assert.NotEmpty(lost);
    }

    private static async Task<List<string>> RunAsync(int seed, bool unsafely)
    {
        var random = new Random(seed);
        await using var cluster = new TestCluster(unsafely: unsafely);
        foreach (var name in Names)
        {
            await cluster.StartAsync(name);
        }
        await cluster.UntilAsync(() => cluster.Running.All(node => node.Node.Members.Length == 3), "three members");
        var ids = Enumerable.Range(0, 6).Select(i => $"log{i}").ToArray();
        foreach (var id in ids)
        {
            var maker = cluster[Names[random.Next(3)]];
            maker.Host.Owned[id] = await maker.Node.CreateAsync(id, Bytes("s"), default, Stop);
        }
        var acknowledged = new ConcurrentDictionary<string, ConcurrentQueue<int>>(ids.ToDictionary(id => id, _ => new ConcurrentQueue<int>()));
        var byEpoch = new ConcurrentDictionary<(string, long), ConcurrentDictionary<string, bool>>();
        var number = 0;
        for (var round = 0; round < 25; round++)
        {
            var appends = new List<Task>();
            void Append(int count)
            {
                foreach (var node in cluster.Running)
                {
                    foreach (var log in node.Host.Owned.Values)
                    {
                        for (var i = 0; i < count; i++)
                        {
                            appends.Add(AppendAsync(node, log, ++number));
                        }
                    }
                }
            }
            async Task AppendAsync(RunningNode node, IOwnedLog log, int value)
            {
                var epoch = log.Epoch;
                try
                {
                    await log.AppendAsync([Bytes($"{value}")], Stop);
                }
                catch (Exception error) when (error is OwnershipLostException or ObjectDisposedException)
                {
                    return;
                }
                acknowledged[log.Id].Enqueue(value);
                byEpoch.GetOrAdd((log.Id, epoch), _ => new())[node.Node.Self] = true;
            }

            Append(random.Next(1, 20));
            var victim = Names[random.Next(3)];
            if (random.Next(3) > 0)
            {
                // In the middle of it: some appends are on their way.
                if (random.Next(2) == 0)
                {
                    await Task.WhenAny(Task.WhenAll(appends), Task.Delay(random.Next(5), Stop));
                }
                await cluster.KillAsync(victim);
                Append(random.Next(5));
                await cluster.UntilAsync(() => unsafely || Settled(cluster, ids, 2), "taken over");
                Append(random.Next(5));
                await cluster.StartAsync(victim);
            }
            else
            {
                cluster.Network.Cut([victim], [.. Names.Where(name => name != victim)]);
                Append(random.Next(5));
                if (random.Next(2) == 0)
                {
                    cluster.Network.Judge([victim]);
                }
                Append(random.Next(5));
                cluster.Network.Heal();
            }
            await cluster.UntilAsync(
                () => unsafely ? cluster.Running.All(node => node.Node.Members.Length == 3) : Settled(cluster, ids, 3),
                $"settled in round {round}"
            );
            await cluster.UntilAsync(() => appends.All(append => append.IsCompleted), "all appends answered");
            await Task.WhenAll(appends);
            Assert.DoesNotContain(cluster.Running, node => node.Host.Overlapped);
            foreach (var node in cluster.Running)
            {
                foreach (var log in node.Host.Owned.Values.Where(_ => random.Next(10) == 0))
                {
                    await log.CompactAsync(Bytes(Text(await ContentsAsync(cluster, log.Id) ?? throw new InvalidOperationException())), Stop);
                }
            }
        }
        Assert.All(byEpoch.Values, owners => Assert.Single(owners));
        var lost = new List<string>();
        foreach (var id in ids)
        {
            var found = await ContentsAsync(cluster, id) is { } contents ? Text(contents).Split(' ').Skip(1).Select(int.Parse).ToList() : [];
            Assert.Equal(found.Count, found.Distinct().Count());
            var expected = acknowledged[id].ToList();
            lost.AddRange(expected.Except(found).Select(value => $"{id}: {value}"));
            if (!unsafely)
            {
                Assert.Equal(found.Order(), found);
            }
        }
        return lost;
    }

    /// <summary>Everybody lists each log once with an owner whose host serves it, and its standby is filled.</summary>
    private static bool Settled(TestCluster cluster, string[] ids, int members) =>
        cluster.Running.All(node => node.Node.Status == NodeStatus.Member && node.Node.Members.Length == members)
        && ids.All(id =>
            cluster.Running.Count(node => node.Host.Owned.ContainsKey(id)) == 1
            && cluster.Running.Single(node => node.Host.Owned.ContainsKey(id)) is var owner
            && owner.Host.Owned[id].Standby is not null
            && cluster.Running.All(node => node.Node.Logs.GetValueOrDefault(id)?.Owner == owner.Node.Self)
        );

    /// <summary>What the owner's copy holds now.</summary>
    private static async Task<LogContents?> ContentsAsync(TestCluster cluster, string id)
    {
        foreach (var node in cluster.Running)
        {
            if (node.Host.Owned.ContainsKey(id) && await node.Node.ReadAsync(id) is { } contents)
            {
                return contents;
            }
        }
        return null;
    }
}
