using System.Collections.Immutable;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Livebook.Cluster.Membership;

/// <summary>What the mesh shows at one moment.</summary>
internal sealed record MeshView(NodeStatus Status, ImmutableArray<MeshMember> Members, ImmutableArray<Stranger> Strangers, DiscoveryInfo Discovery);

/// <summary>One thread of events and messages: whoever listens sees them one at a time, and the view as it was at that moment.</summary>
internal sealed partial class MeshPump(MeshView first, ILogger logger) : IAsyncDisposable
{
    private readonly Channel<Item> items = Channel.CreateUnbounded<Item>(new() { SingleReader = true });
    private volatile MeshView view = first;
    private Task running = Task.CompletedTask;

    public MeshView View => view;

    public event Action<MeshEvent>? Happened;

    public Action<string, ReadOnlyMemory<byte>>? Received { get; set; }

    public void Start() => running = RunAsync();

    /// <summary>Changes the view, then raises the event, if any. Nothing from a <paramref name="source"/> whose life is over counts.</summary>
    public void Change(Func<MeshView, MeshView> change, MeshEvent? happened, Engine? source = null) =>
        items.Writer.TryWrite(new(source, change, happened, null, default));

    public void Deliver(string from, ReadOnlyMemory<byte> payload, Engine? source = null) => items.Writer.TryWrite(new(source, null, null, from, payload));

    public async ValueTask DisposeAsync()
    {
        items.Writer.TryComplete();
        await running;
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        await foreach (var item in items.Reader.ReadAllAsync())
        {
            if (item.Source is { IsOver: true })
            {
                continue;
            }
            try
            {
                if (item.From is { } from)
                {
                    Received?.Invoke(from, item.Payload);
                }
                else
                {
                    view = item.Change!(view);
                    if (item.Event is { } happened)
                    {
                        Happened?.Invoke(happened);
                    }
                }
            }
            catch (Exception e)
            {
                // A listener's mistake must not silence the others for ever.
                LogListenerFailed(logger, e);
            }
        }
    }

    private readonly record struct Item(Engine? Source, Func<MeshView, MeshView>? Change, MeshEvent? Event, string? From, ReadOnlyMemory<byte> Payload);

    [LoggerMessage(Level = LogLevel.Error, Message = "A listener of the mesh failed")]
    private static partial void LogListenerFailed(ILogger logger, Exception error);
}
