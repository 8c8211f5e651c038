using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>Two pages that type into the same cell, without a pause, while a test breaks things.</summary>
internal sealed class TypingRun : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly CancellationTokenSource _typing = new();
    private readonly Task _typists;

    private TypingRun(string session, string cell, PageClient[] pages, History history, CancellationToken stop)
    {
        (Session, Cell, Pages, History) = (session, cell, pages, history);
        _typists = Task.WhenAll(pages.Select(page => TypeAsync(page, stop)));
    }

    public string Session { get; }

    /// <summary>The cell that is typed into.</summary>
    public string Cell { get; }

    public PageClient[] Pages { get; }

    public History History { get; }

    public static async Task<TypingRun> StartAsync(Node maker, Uri address, string signIn, CancellationToken stop)
    {
        var session = await maker.CreateSessionAsync("Typing", stop);
        var cell = await maker.AddCellAsync(session, "markdown", "", stop);
        var history = new History();
        var pages = new[]
        {
            await PageClient.OpenAsync(address, signIn, session, "a", history, stop),
            await PageClient.OpenAsync(address, signIn, session, "b", history, stop),
        };
        return new TypingRun(session, cell, pages, history, stop);
    }

    private async Task TypeAsync(PageClient page, CancellationToken stop)
    {
        while (!_typing.IsCancellationRequested)
        {
            await page.TypeAsync(Cell, stop);
            await Task.Delay(Pause, stop);
        }
    }

    /// <summary>Waits until each page had this many more edits acknowledged, by an owner of at least this epoch.</summary>
    public async Task UntilTypedAsync(int edits, long epoch, CancellationToken stop)
    {
        var before = History.Acknowledged.Length;
        await Wait.UntilAsync(
            () =>
            {
                var later = History.Acknowledged.Skip(before).Where(edit => edit.Epoch >= epoch).ToArray();
                return Task.FromResult(Pages.Select((_, index) => (char)('a' + index)).All(author => later.Count(edit => edit.Token[1] == author) >= edits));
            },
            $"each page typed {edits} more",
            stop
        );
        if (_typists.IsFaulted)
            await _typists;
    }

    /// <summary>Time from then to the first edit that an owner of this epoch acknowledged.</summary>
    public TimeSpan FirstAcknowledgedAfter(long timestamp, long epoch) =>
        Stopwatch.GetElapsedTime(timestamp, History.Acknowledged.First(edit => edit.At > timestamp && edit.Epoch >= epoch).At);

    /// <summary>Ends the typing: everything typed is acknowledged then.</summary>
    public async Task EndAsync(CancellationToken stop)
    {
        await _typing.CancelAsync();
        await _typists.WaitAsync(TimeSpan.FromSeconds(60), stop);
    }

    /// <summary>What is wrong at the end: edits lost or doubled, copies that differ, a broken protocol. Empty: nothing.</summary>
    public async Task<ImmutableArray<string>> ViolationsAsync(IEnumerable<Node> nodes, CancellationToken stop)
    {
        var wrong = ImmutableArray.CreateBuilder<string>();
        var texts = new HashSet<string>();
        foreach (var node in nodes)
            texts.Add((await node.SourcesAsync(Session, stop))[Cell]);
        var version = (await nodes.First().GetAsync($"sessions/{Session}", stop)).GetProperty("version").GetInt64();
        foreach (var page in Pages)
        {
            await page.UntilVersionAsync(version, stop);
            texts.Add(page.Text(Cell));
            wrong.AddRange(page.Complaints);
            if (page.Gone > 0)
                wrong.Add($"a page was told {page.Gone} times that the session is gone");
        }
        if (texts.Count != 1)
            wrong.Add($"{texts.Count} different texts");
        foreach (var text in texts)
            wrong.AddRange(History.Violations(text));
        return wrong.ToImmutable();
    }

    public async ValueTask DisposeAsync()
    {
        await _typing.CancelAsync();
        foreach (var page in Pages)
            await page.DisposeAsync();
        await _typists.ContinueWith(_ => { }, TaskScheduler.Default);
        _typing.Dispose();
    }
}
