using System.Collections.Concurrent;
using Livebook.EndToEnd.World;

namespace Livebook.Bench;

/// <summary>From an edit on one page to its arrival on another, one after the other.</summary>
internal static class Edits
{
    private const int WarmUps = 50;
    private const int Samples = 500;
    private static readonly string[] Addresses = ["127.0.70.1", "127.0.70.2"];
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Measures a lone server, then two nodes of its own.</summary>
    public static async Task RunAsync(ServerProgram program, Report report, CancellationToken stop)
    {
        await using (var alone = await Server.StartAsync(program, stop, ("LIVEBOOK_SPARE_RUNTIMES", "0")))
        {
            var session = await alone.OpenAsync(Notebooks.Of([""]), stop);
            report.AddSpread("alone", await MeasureAsync(alone, alone, session, stop));
        }
        await using var dns = await Dns.StartAsync(Addresses, stop);
        var nodes = await Task.WhenAll(Addresses.Select(address => Server.StartAsync(program, stop, Environment(address, dns))));
        try
        {
            foreach (var node in nodes)
            {
                while (await node.MembersAsync(stop) < nodes.Length)
                    await Task.Delay(100, stop);
            }
            await MeasureAsync(nodes[0], nodes[1], report, stop);
        }
        finally
        {
            foreach (var node in nodes)
                await node.DisposeAsync();
        }
    }

    /// <summary>Measures running nodes.</summary>
    public static async Task RunAsync(Uri first, Uri? second, Report report, CancellationToken stop)
    {
        await using var a = await Server.AtAsync(first, stop);
        await using var b = await Server.AtAsync(second ?? first, stop);
        await MeasureAsync(a, b, report, stop);
    }

    private static (string, string)[] Environment(string address, Dns dns) =>
        [
            ("LIVEBOOK_IP", address),
            ("LIVEBOOK_NODE", $"bench@{address}"),
            ("LIVEBOOK_CLUSTER", $"dns:{Dns.Name}"),
            ("LIVEBOOK_DNS_SERVER", dns.Server),
            ("LIVEBOOK_COOKIE", "bench-cookie-0123456789"),
            ("LIVEBOOK_SECRET_KEY_BASE", new string('b', 64)),
            ("LIVEBOOK_SPARE_RUNTIMES", "0"),
        ];

    private static async Task MeasureAsync(Server first, Server second, Report report, CancellationToken stop)
    {
        var session = await first.OpenAsync(Notebooks.Of([""]), stop);
        var (owner, other) = await first.OwnerAsync(session, stop) == await first.NameAsync(stop) ? (first, second) : (second, first);
        report.AddSpread("same_node", await MeasureAsync(owner, owner, session, stop));
        await first.CloseAsync(session, stop);
        if (first.Address == second.Address)
            return;
        session = await first.OpenAsync(Notebooks.Of([""]), stop);
        (owner, other) = await first.OwnerAsync(session, stop) == await first.NameAsync(stop) ? (first, second) : (second, first);
        report.AddSpread("other_node", await MeasureAsync(owner, other, session, stop));
        await first.CloseAsync(session, stop);
    }

    /// <summary>One types on <paramref name="from"/>, one looks on <paramref name="to"/>.</summary>
    private static async Task<double[]> MeasureAsync(Server from, Server to, string session, CancellationToken stop)
    {
        await using var author = await Page.JoinAsync(from, session, stop);
        var typing = new Typing(author, author.CodeCells()[0]);
        var samples = new ConcurrentQueue<double>();
        using var arrived = new SemaphoreSlim(0);
        await using var reader = await Page.JoinAsync(
            to,
            session,
            stop,
            (message, at) =>
                typing.Find(
                    message,
                    at,
                    elapsed =>
                    {
                        samples.Enqueue(elapsed);
                        arrived.Release();
                    }
                )
        );
        for (var edit = 0; edit < WarmUps + Samples; edit++)
        {
            await typing.TypeAsync(stop);
            if (!await arrived.WaitAsync(Patience, stop))
                throw new InvalidOperationException("an edit did not arrive within 30 s");
            await Task.Delay(Pause, stop);
        }
        return [.. samples.Skip(WarmUps)];
    }
}
