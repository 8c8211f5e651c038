using System.Net;
using System.Net.Sockets;
using Livebook.Cluster.Links;
using Livebook.Faults;

namespace Livebook.Cluster.Tests.Links;

/// <summary>A drill's bad network, and that nothing but a drill has one.</summary>
public sealed class FaultTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("livebook-faults-").FullName;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string TableFile => Path.Combine(folder, "faults");

    [Fact]
    public void What_a_drill_writes_its_nodes_read_at_once_and_per_direction()
    {
        using var drill = FaultTable.Create(TableFile, ["127.0.0.2", "::1"]);
        using var node = FaultTable.Open(TableFile);
        Assert.True(node[IPAddress.Parse("127.0.0.2"), IPAddress.IPv6Loopback].IsNone);
        drill["127.0.0.2", "::1"] = new LinkFault(Cut: true, 300, 64_000, 50);
        Assert.Equal(new LinkFault(Cut: true, 300, 64_000, 50), node["127.0.0.2", "::1"]);
        Assert.True(node["::1", "127.0.0.2"].IsNone);
        Assert.True(node["127.0.0.9", "127.0.0.2"].IsNone);
    }

    [Fact]
    public void A_file_that_is_no_table_is_refused()
    {
        File.WriteAllText(TableFile, "something else");
        Assert.Throws<IOException>(() => FaultTable.Open(TableFile));
    }

    [Fact]
    public async Task A_cut_holds_back_what_is_written_and_the_end_and_a_heal_lets_both_go()
    {
        var fault = new LinkFault(Cut: true);
        var (near, far) = await PairAsync();
        using (far)
        {
            var stream = new FaultyStream(near, () => fault, TimeProvider.System, 1);
            await stream.WriteAsync("hello"u8.ToArray(), Stop);
            await stream.DisposeAsync();
            var buffer = new byte[16];
            var reading = far.ReadAsync(buffer, Stop).AsTask();
            await Assert.ThrowsAsync<TimeoutException>(() => reading.WaitAsync(TimeSpan.FromMilliseconds(200), Stop));
            fault = default;
            Assert.Equal(5, await reading);
            Assert.Equal(0, await far.ReadAsync(buffer, Stop));
        }
    }

    [Fact]
    public async Task Late_slow_and_lost_pieces_arrive_whole_and_in_order()
    {
        var (near, far) = await PairAsync();
        using (far)
        {
            await using var stream = new FaultyStream(near, () => new LinkFault(Cut: false, 5, 1_000_000, 300), TimeProvider.System, 1);
            var sent = Enumerable.Range(0, 50).Select(number => (byte)number).ToArray();
            foreach (var piece in sent)
                await stream.WriteAsync(new[] { piece }, Stop);
            var got = new byte[50];
            await far.ReadExactlyAsync(got, Stop);
            Assert.Equal(sent, got);
        }
    }

    [Fact]
    public async Task Who_waits_to_read_hears_of_the_end_although_the_link_is_cut()
    {
        var (near, far) = await PairAsync();
        using (far)
        {
            var stream = new FaultyStream(near, () => new LinkFault(Cut: true), TimeProvider.System, 1);
            var reading = stream.ReadAsync(new byte[1], Stop).AsTask();
            await stream.DisposeAsync();
            await Assert.ThrowsAsync<ObjectDisposedException>(() => reading);
        }
    }

    private static async Task<(NetworkStream Near, NetworkStream Far)> PairAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var near = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await near.ConnectAsync(listener.LocalEndpoint, Stop);
        return (new NetworkStream(near, ownsSocket: true), new NetworkStream(await listener.AcceptSocketAsync(Stop), ownsSocket: true));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
