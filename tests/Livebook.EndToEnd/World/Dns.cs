using System.Net;
using System.Net.Sockets;

namespace Livebook.EndToEnd.World;

/// <summary>A real DNS server (dnsmasq) with one name and the addresses that a test gives it.</summary>
internal sealed class Dns : IAsyncDisposable
{
    public const string Name = "nodes.livebook.test";

    private readonly string _directory;
    private readonly Child _process;

    private Dns(string directory, Child process, string address, int port)
    {
        _directory = directory;
        _process = process;
        Server = $"{address}:{port}";
    }

    /// <summary>ADDRESS:PORT to ask.</summary>
    public string Server { get; }

    /// <param name="at">Address to listen on.</param>
    public static async Task<Dns> StartAsync(IEnumerable<string> addresses, CancellationToken stop, string at = "127.0.0.1")
    {
        var directory = Directory.CreateTempSubdirectory("livebook-dns-").FullName;
        var hosts = Path.Combine(directory, "hosts");
        await WriteAsync(hosts, addresses, stop);
        var port = FreePort();
        var process = Child.Start(
            "dnsmasq",
            [
                "--keep-in-foreground",
                "--no-daemon",
                "--no-resolv",
                "--no-hosts",
                $"--addn-hosts={hosts}",
                $"--port={port}",
                $"--listen-address={at}",
                "--bind-interfaces",
                "--user=root",
                "--pid-file=",
            ]
        );
        var dns = new Dns(directory, process, at, port);
        await process.SaysAsync("read ", stop);
        return dns;
    }

    /// <summary>Answers with these addresses from now on.</summary>
    public async Task SetAsync(IEnumerable<string> addresses, CancellationToken stop)
    {
        await WriteAsync(Path.Combine(_directory, "hosts"), addresses, stop);
        _process.Hangup();
    }

    private static Task WriteAsync(string hosts, IEnumerable<string> addresses, CancellationToken stop) =>
        File.WriteAllLinesAsync(hosts, addresses.Select(address => $"{address} {Name}"), stop);

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
