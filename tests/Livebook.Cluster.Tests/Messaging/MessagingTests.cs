using System.Collections.Concurrent;
using CsCheck;
using Livebook.Cluster.Messaging;
using Livebook.Cluster.Tests.Logs;
using static Livebook.Cluster.Tests.Logs.TestCluster;

namespace Livebook.Cluster.Tests.Messaging;

public sealed class MessagingTests
{
    [Fact]
    public async Task Requests_of_any_size_are_answered_by_others_and_by_oneself()
    {
        await using var cluster = new TestCluster();
        foreach (var name in new[] { "a", "b" })
        {
            await cluster.StartAsync(
                name,
                prepare: node =>
                    node.Handle("echo", (from, bytes, _) => Task.FromResult<ReadOnlyMemory<byte>>(new[] { (byte)from[0] }.Concat(bytes.ToArray()).ToArray()))
            );
        }
        await cluster.UntilAsync(() => cluster.Running.All(node => node.Node.Members.Length == 2), "two members");
        var payload = new byte[3_000_000];
        new Random(1).NextBytes(payload);
        foreach (var (node, size) in new[] { ("a", 5), ("b", 5), ("b", payload.Length), ("b", 0) })
        {
            var answer = await cluster["a"].Node.RequestAsync(node, "echo", payload.AsMemory(0, size), Stop);
            Assert.Equal((byte)'a', answer.Span[0]);
            Assert.True(answer.Span[1..].SequenceEqual(payload.AsSpan(0, size)));
        }
    }

    [Fact]
    public async Task Failures_and_absence_are_told_apart()
    {
        await using var cluster = new TestCluster();
        var entered = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        await cluster.StartAsync("a");
        await cluster.StartAsync(
            "b",
            prepare: node =>
            {
                node.Handle("fail", (_, _, _) => throw new InvalidOperationException("no such cell"));
                node.Handle(
                    "hang",
                    async (_, _, stop) =>
                    {
                        entered.TrySetResult();
                        stop.Register(cancelled.SetResult);
                        await Task.Delay(Timeout.Infinite, stop);
                        return default;
                    }
                );
            }
        );
        await cluster.UntilAsync(() => cluster.Running.All(node => node.Node.Members.Length == 2), "two members");
        var a = cluster["a"].Node;
        Assert.Equal("no such cell", (await Assert.ThrowsAsync<RemoteException>(() => a.RequestAsync("b", "fail", default, Stop))).Message);
        await Assert.ThrowsAsync<RemoteException>(() => a.RequestAsync("b", "nobody", default, Stop));
        await Assert.ThrowsAsync<RemoteException>(() => a.RequestAsync("a", "nobody", default, Stop));
        await Assert.ThrowsAsync<NodeUnreachableException>(() => a.RequestAsync("c", "fail", default, Stop));
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var hanging = a.RequestAsync("b", "hang", default, source.Token);
        await entered.Task;
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hanging);
        await cancelled.Task;
        var orphaned = a.RequestAsync("b", "hang", default, Stop);
        await cluster.KillAsync("b");
        await Assert.ThrowsAsync<NodeUnreachableException>(() => orphaned);
    }

    [Fact]
    public async Task Messages_keep_their_order_through_losses_and_sizes_and_never_arrive_within_the_call()
    {
        await using var cluster = new TestCluster();
        var heard = new ConcurrentQueue<int>();
        await cluster.StartAsync("a");
        await cluster.StartAsync("b", prepare: node => node.Listen("n", (_, bytes) => heard.Enqueue(BitConverter.ToInt32(bytes.Span))));
        await cluster.UntilAsync(() => cluster.Running.All(node => node.Node.Members.Length == 2), "two members");
        cluster.Network.Lose(7, 0.2);
        for (var i = 0; i < 200; i++)
        {
            var bytes = new byte[i % 50 == 7 ? 700_000 : 4];
            BitConverter.TryWriteBytes(bytes, i);
            cluster["a"].Node.Tell("b", "n", bytes);
        }
        await cluster.UntilAsync(() => heard.Count == 200, "all heard");
        Assert.Equal(Enumerable.Range(0, 200), heard);

        var depth = 0;
        var nested = new TaskCompletionSource<bool>();
        var b = cluster["b"].Node;
        b.Listen(
            "self",
            (_, bytes) =>
            {
                depth++;
                if (bytes.Length == 0)
                {
                    b.Tell("b", "self", new byte[1]);
                }
                else
                {
                    nested.SetResult(depth == 1);
                }
                depth--;
            }
        );
        b.Tell("b", "self", default);
        Assert.True(await nested.Task);
    }

    [Fact]
    public async Task Garbage_from_a_member_kills_nothing()
    {
        await using var cluster = new TestCluster();
        var (a, b) = (await cluster.StartAsync("a"), await cluster.StartAsync("b"));
        await cluster.UntilAsync(() => cluster.Running.All(node => node.Node.Members.Length == 2), "two members");
        var random = new Random(3);
        for (var i = 0; i < 2000; i++)
        {
            var bytes = new byte[random.Next(200)];
            random.NextBytes(bytes);
            if (i % 2 == 0 && bytes.Length > 60)
            {
                // Passes for a frame; its body is garbage. It takes no number that is due, so that the link goes on.
                var frame = new WireWriter().Long(a.Mesh.Me.Incarnation).Long(b.Mesh.Me.Incarnation).Long(0).Byte(1).Long(long.MaxValue - i).Raw(bytes).Written;
                a.Mesh.Tell("b", frame);
            }
            a.Mesh.Tell("b", bytes);
        }
        var log = await a.Node.CreateAsync("one", Bytes("s"), default, Stop);
        Assert.Equal("b", log.Standby);
    }

    [Fact]
    public void Messages_about_logs_made_of_any_bytes_are_read_or_refused() =>
        Gen
            .Byte.Array[0, 120]
            .Sample(bytes =>
            {
                try
                {
                    _ = Livebook.Cluster.Logs.LogMessage.Decode(bytes);
                }
                catch (InvalidDataException) { }
            });

    [Fact]
    public void A_link_delivers_each_frame_once_and_in_order_whatever_is_lost_or_doubled() =>
        Gen.Int[0, 2]
            .Array[0, 300]
            .Sample(fates =>
            {
                var (toB, toA) = (new Queue<ReadOnlyMemory<byte>>(), new Queue<ReadOnlyMemory<byte>>());
                var (a, b) = (new Link(1, 2, toB.Enqueue), new Link(2, 1, toA.Enqueue));
                var received = new List<byte>();
                var now = TimeSpan.Zero;
                var step = 0;
                void Move(Queue<ReadOnlyMemory<byte>> queue, Link to)
                {
                    while (queue.TryDequeue(out var frame))
                    {
                        for (var copies = step < fates.Length ? fates[step++] : 1; copies > 0; copies--)
                        {
                            if (to.Receive(frame, now) is { } body)
                            {
                                received.Add(body.Span[0]);
                            }
                        }
                    }
                    to.Flush();
                }
                for (var i = 0; i < 100 || received.Count < 50; i++)
                {
                    if (i < 50)
                    {
                        a.Send(new[] { (byte)i });
                    }
                    now += TimeSpan.FromMilliseconds(300);
                    a.Tick(now);
                    Move(toB, b);
                    Move(toA, a);
                }
                Assert.Equal(Enumerable.Range(0, 50).Select(i => (byte)i), received);
            });
}
