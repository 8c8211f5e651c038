using System.Text;
using Livebook.Cluster.Settings;
using Livebook.Cluster.Tests.Logs;
using Microsoft.Extensions.Logging.Abstractions;

namespace Livebook.Cluster.Tests.Settings;

/// <summary>Row 27: settings that are changed on one node and used on another.</summary>
public sealed class SettingsStoreTests : IAsyncDisposable
{
    private static readonly byte[] Key = new byte[32];

    private readonly TestCluster cluster = new();
    private readonly Dictionary<string, SettingsStore> stores = [];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var store in stores.Values)
        {
            await store.DisposeAsync();
        }
        await cluster.DisposeAsync();
    }

    [Fact]
    public async Task A_change_is_on_another_node_when_it_is_acknowledged_and_soon_on_all()
    {
        await StartAsync("a", "b", "c");

        await SetAsync("a", "key", "value");

        Assert.Contains(new[] { "b", "c" }, node => OnDisk(node).Contains("key=value"));
        await UntilAsync(() => stores.Keys.All(node => Of(node) == "key=value"), "all nodes have the value");
    }

    [Fact]
    public async Task An_acknowledged_change_survives_its_writer_and_a_restart_of_all()
    {
        await StartAsync("a", "b", "c");
        await SetAsync("a", "key", "value");
        await KillAsync("a");
        await UntilAsync(() => Of("b") == "key=value" && Of("c") == "key=value", "the others have the value");
        await KillAsync("b");
        await KillAsync("c");

        await StartAsync("a", "b", "c");

        await UntilAsync(() => stores.Keys.All(node => Of(node) == "key=value"), "all have the value again");
    }

    [Fact]
    public async Task Changes_of_different_keys_on_different_nodes_both_stay_and_of_the_same_key_one_wins_everywhere()
    {
        await StartAsync("a", "b", "c");

        await Task.WhenAll(stores.Keys.Select(node => stores[node].ChangeAsync(Changes(("own-" + node, node), ("shared", node)), Stop)));

        await UntilAsync(() => stores.Keys.Select(Of).Distinct().Count() == 1, "all nodes agree");
        Assert.All(stores.Keys, node => Assert.Contains($"own-{node}={node}", Of("a"), StringComparison.Ordinal));
        Assert.Matches("shared=[abc]$", Of("a"));
    }

    [Fact]
    public async Task A_node_that_was_away_learns_what_was_set_and_deleted_meanwhile()
    {
        await StartAsync("a", "b", "c");
        await stores["a"].ChangeAsync(Changes(("kept", "1"), ("dropped", "1")), Stop);
        await UntilAsync(() => Of("c") == "dropped=1 kept=1", "c has both");
        await KillAsync("c");
        await stores["b"].ChangeAsync(new Dictionary<string, ReadOnlyMemory<byte>?> { ["dropped"] = null, ["new"] = Bytes("2") }, Stop);

        await StartAsync("c");

        await UntilAsync(() => stores.Keys.All(node => Of(node) == "kept=1 new=2"), "c has caught up, and nobody has got back what was deleted");
    }

    [Fact]
    public async Task The_losing_side_of_a_cut_refuses_and_takes_over_what_the_majority_decided()
    {
        await StartAsync("a", "b", "c");
        await SetAsync("a", "key", "before");
        await UntilAsync(() => Of("c") == "key=before", "c has it");
        cluster.Network.Cut(["c"], ["a", "b"]);
        await UntilAsync(() => stores["c"].Refusal is not null, "c sees nobody");
        Assert.Equal("not_ready", (await Assert.ThrowsAsync<SettingsRefusedException>(() => SetAsync("c", "key", "minority"))).Kind);
        cluster.Network.Judge(["c"]);
        await SetAsync("a", "key", "after");
        Assert.Equal("not_ready", (await Assert.ThrowsAsync<SettingsRefusedException>(() => SetAsync("c", "other", "minority"))).Kind);

        cluster.Network.Heal();

        await UntilAsync(() => stores.Keys.All(node => Of(node) == "key=after"), "all agree with the majority");
        await SetAsync("c", "key", "from c again");
        await UntilAsync(() => Of("a") == "key=from c again", "c writes again");
    }

    [Fact]
    public async Task A_lone_node_acknowledges_what_is_on_its_disk()
    {
        await StartAsync("a", alone: true);

        await SetAsync("a", "key", "value");

        Assert.Equal("key=value", OnDisk("a"));
    }

    private async Task StartAsync(params string[] names)
    {
        foreach (var name in names)
        {
            await StartAsync(name, alone: false);
        }
        await UntilAsync(() => names.All(name => cluster[name].Node.Members.Length == cluster.Running.Count), "all are members");
    }

    private Task StartAsync(string name, bool alone) =>
        cluster.StartAsync(
            name,
            alone,
            node =>
            {
                stores[name] = new SettingsStore(node, new SettingsFile(PathOf(name), [Key]), TimeProvider.System, NullLoggerFactory.Instance);
                stores[name].Load();
            }
        );

    private async Task KillAsync(string name)
    {
        await cluster.KillAsync(name);
        stores.Remove(name, out var store);
        await store!.DisposeAsync();
    }

    private Task SetAsync(string node, string key, string value) => stores[node].ChangeAsync(Changes((key, value)), Stop);

    private static Dictionary<string, ReadOnlyMemory<byte>?> Changes(params (string Key, string Value)[] changes) =>
        changes.ToDictionary(change => change.Key, change => (ReadOnlyMemory<byte>?)Bytes(change.Value));

    private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private string Of(string node) => Words(stores[node].Values);

    private string OnDisk(string node) =>
        Words(
            new SettingsFile(PathOf(node), [Key])
                .Read()
                .Map.Entries.Values.Where(entry => entry.Value is not null)
                .Select(entry => KeyValuePair.Create(entry.Key, entry.Value!.Value))
        );

    private string PathOf(string node) => Path.Combine(Directory.CreateDirectory(cluster.DataPath(node)).FullName, "settings");

    private static string Words(IEnumerable<KeyValuePair<string, ReadOnlyMemory<byte>>> values) =>
        string.Join(' ', values.Select(value => $"{value.Key}={Encoding.UTF8.GetString(value.Value.Span)}"));

    private static async Task UntilAsync(Func<bool> holds, string what)
    {
        var deadline = DateTime.UtcNow.AddSeconds(60);
        while (!holds())
        {
            Assert.True(DateTime.UtcNow < deadline, $"never happened: {what}");
            await Task.Delay(5, Stop);
        }
    }
}
