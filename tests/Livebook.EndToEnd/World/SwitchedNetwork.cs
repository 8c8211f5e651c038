using System.Globalization;

namespace Livebook.EndToEnd.World;

/// <summary>
/// Hosts with addresses of their own (network namespaces) on one switch, whose cables can be cut one direction at a time: packets vanish without a word.
/// The test itself, its DNS server and its load balancer are on the switch, too, and reach everybody.
/// </summary>
internal sealed class SwitchedNetwork : IAsyncDisposable
{
    /// <summary>Nobody has it: what is sent there is dropped by every host.</summary>
    private const string Nowhere = "02:00:00:00:00:01";
    private static int _networks;

    private readonly string _name;
    private readonly string _prefix;
    private readonly int _size;

    private SwitchedNetwork(string name, string prefix, int size) => (_name, _prefix, _size) = (name, prefix, size);

    /// <summary>Address of the test on the switch.</summary>
    public string Own => $"{_prefix}.254";

    public IReadOnlyList<string> Addresses => [.. Enumerable.Range(1, _size).Select(AddressOf)];

    public static async Task<SwitchedNetwork> StartAsync(int size, CancellationToken stop)
    {
        var number = Interlocked.Increment(ref _networks);
        var process = Environment.ProcessId;
        var network = new SwitchedNetwork(
            string.Create(CultureInfo.InvariantCulture, $"lb{process % 100_000}{number}"),
            string.Create(CultureInfo.InvariantCulture, $"10.{100 + process % 100}.{number % 250}"),
            size
        );
        await network.BuildAsync(stop);
        return network;
    }

    /// <summary>What is in front of a command so that it runs on a host.</summary>
    public IReadOnlyList<string> On(string address) => ["ip", "netns", "exec", HostOf(address)];

    /// <summary>Nothing sent from one host to the other arrives any more.</summary>
    public Task CutOneWayAsync(string from, string to, CancellationToken stop) =>
        IpAsync(stop, "-n", HostOf(from), "neigh", "replace", to, "lladdr", Nowhere, "nud", "permanent", "dev", "eth0");

    /// <summary>Nothing passes between a host and others, in either direction.</summary>
    public async Task CutAsync(string host, IEnumerable<string> others, CancellationToken stop)
    {
        foreach (var other in others)
        {
            await CutOneWayAsync(host, other, stop);
            await CutOneWayAsync(other, host, stop);
        }
    }

    /// <summary>Every cable is whole again.</summary>
    public async Task HealAsync(CancellationToken stop)
    {
        foreach (var host in Addresses)
            await IpAsync(stop, "-n", HostOf(host), "neigh", "flush", "nud", "permanent", "dev", "eth0");
    }

    private async Task BuildAsync(CancellationToken stop)
    {
        await IpAsync(stop, "link", "add", _name, "type", "bridge");
        await IpAsync(stop, "addr", "add", $"{Own}/24", "dev", _name);
        await IpAsync(stop, "link", "set", _name, "up");
        foreach (var index in Enumerable.Range(1, _size))
        {
            var (host, cable) = ($"{_name}h{index}", $"{_name}c{index}");
            await IpAsync(stop, "netns", "add", host);
            await IpAsync(stop, "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", host);
            await IpAsync(stop, "link", "set", cable, "master", _name, "up");
            await IpAsync(stop, "-n", host, "link", "set", "lo", "up");
            await IpAsync(stop, "-n", host, "addr", "add", $"{AddressOf(index)}/24", "dev", "eth0");
            await IpAsync(stop, "-n", host, "link", "set", "eth0", "up");
        }
    }

    private string AddressOf(int index) => string.Create(CultureInfo.InvariantCulture, $"{_prefix}.{index}");

    private string HostOf(string address) => $"{_name}h{address[(address.LastIndexOf('.') + 1)..]}";

    private static async Task IpAsync(CancellationToken stop, params string[] arguments)
    {
        await using var ip = Child.Start("ip", arguments);
        await ip.WaitForExitAsync(stop);
        Assert.True(ip.ExitCode == 0, $"ip {string.Join(' ', arguments)}: {ip.Said} (network namespaces need root)");
    }

    public async ValueTask DisposeAsync()
    {
        // A namespace takes its end of the cable with it.
        foreach (var index in Enumerable.Range(1, _size))
            await IpAsync(CancellationToken.None, "netns", "del", $"{_name}h{index}");
        await IpAsync(CancellationToken.None, "link", "del", _name);
    }
}
