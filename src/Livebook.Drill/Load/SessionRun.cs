using System.Collections.Immutable;
using System.Diagnostics;
using Livebook.Core.Sessions;
using Livebook.Drill.Nodes;
using Livebook.Drill.Pages;

namespace Livebook.Drill.Load;

/// <summary>One session and its users, who type into the same cell without a pause, and run cells and call the API, while somebody breaks things.</summary>
public sealed class SessionRun : IAsyncDisposable
{
    /// <summary>How long what was typed may take to be acknowledged once nothing is broken any more.</summary>
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _ending = new();
    private readonly Requests? _requests;
    private readonly ApiDoor _api;
    private readonly Task _users;

    private SessionRun(Uri address, string session, string cell, PageClient[] pages, History history, UserPlan[] plans, Requests? requests)
    {
        (_api, Session, Cell, Pages, History, _requests) = (new ApiDoor(address, session), session, cell, pages, history, requests);
        _users = Task.WhenAll(pages.SelectMany((page, user) => Tasks(page, user, plans[user])));
    }

    public string Session { get; }

    /// <summary>The cell that is typed into.</summary>
    public string Cell { get; }

    public PageClient[] Pages { get; }

    public History History { get; }

    /// <summary>How many evaluations were asked for.</summary>
    public int Evaluations => _requests?.Evaluations ?? 0;

    /// <summary>How many cells were asked for by the API.</summary>
    public int KeyedCells => _requests?.Cells ?? 0;

    /// <summary>Makes a session and opens its users' pages.</summary>
    /// <param name="address">Where pages and API calls go: a balancer, or a node.</param>
    /// <param name="signIn">The same with the token.</param>
    /// <param name="folder">Where executions count themselves; null: users only type.</param>
    public static async Task<SessionRun> StartAsync(Node maker, Uri address, string signIn, UserPlan[] plans, string? folder, CancellationToken stop)
    {
        var session = await maker.CreateSessionAsync("Typing", stop);
        var cell = await maker.AddCellAsync(session, "markdown", "", stop);
        var history = new History();
        var pages = new List<PageClient>();
        try
        {
            for (var user = 0; user < plans.Length; user++)
                pages.Add(await PageClient.OpenAsync(address, signIn, session, NameOf(user), history, stop));
        }
        catch
        {
            foreach (var page in pages)
                await page.DisposeAsync();
            throw;
        }
        return new SessionRun(address, session, cell, [.. pages], history, plans, folder is null ? null : new Requests(Path.Combine(folder, session)));
    }

    private static string NameOf(int user) => $"{(char)('a' + user / 26 % 26)}{(char)('a' + user % 26)}"[(user < 26 ? 1 : 0)..];

    private IEnumerable<Task> Tasks(PageClient page, int user, UserPlan plan)
    {
        yield return Task.Run(() => TypeAsync(page, NameOf(user), plan));
        if (plan.Acts && _requests is { } requests)
            yield return Task.Run(() => new UserActs(_api, page, NameOf(user), requests).RunAsync(plan, _ending.Token));
    }

    private async Task TypeAsync(PageClient page, string name, UserPlan plan)
    {
        var number = 0;
        foreach (var (byApi, pause) in plan.Edits())
        {
            // What was typed is waited for, also at the end: an edit that is never answered is a violation.
            if (byApi)
                await AppendAsync(page, History.Token($"{name}x", ++number));
            else
                await page.TypeAsync(Cell, CancellationToken.None);
            await Task.Delay(pause, _ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_ending.IsCancellationRequested)
                return;
        }
    }

    private async Task AppendAsync(PageClient page, string token)
    {
        try
        {
            await _api.SendAsync(HttpMethod.Patch, $"cells/{Cell}", new { append = token }, token.Trim('<', '>'), CancellationToken.None);
            // How long a script waits before it asks again is its own affair: it is no measure.
            History.Acknowledge(token, Stopwatch.GetTimestamp(), page.Epoch);
        }
        catch (InvalidOperationException error)
        {
            _requests?.Refused(error.Message);
        }
    }

    /// <summary>Waits until each page had this many more edits acknowledged, by an owner of at least this epoch.</summary>
    public async Task UntilTypedAsync(int edits, long epoch, CancellationToken stop)
    {
        var before = History.Acknowledged.Length;
        await Wait.UntilAsync(
            async () =>
            {
                if (_users.IsFaulted)
                    await _users;
                var later = History.Acknowledged.Skip(before).Where(edit => edit.Epoch >= epoch).ToArray();
                return Pages.Select((_, user) => $"<{NameOf(user)}").All(author => later.Count(edit => IsBy(edit.Token, author)) >= edits);
            },
            $"each page typed {edits} more",
            stop
        );
    }

    private static bool IsBy(string token, string author) => token.StartsWith(author, StringComparison.Ordinal) && char.IsDigit(token[author.Length]);

    /// <summary>Time from then to the first edit that an owner of this epoch acknowledged.</summary>
    public TimeSpan FirstAcknowledgedAfter(long timestamp, long epoch) =>
        History.FirstAcknowledgedAfter(timestamp, epoch) ?? throw new InvalidOperationException("no such edit was acknowledged");

    /// <summary>Ends the users and checks what they did; what is never answered is a violation, too.</summary>
    public async Task<ImmutableArray<string>> EndAndCheckAsync(IEnumerable<Node> nodes, CancellationToken stop)
    {
        ImmutableArray<string> stuck = [];
        try
        {
            await EndAsync(stop);
        }
        catch (Exception error) when (!stop.IsCancellationRequested && error is TimeoutException or InvalidOperationException)
        {
            stuck = [$"stuck: an edit was never answered ({error.Message})"];
        }
        return [.. stuck, .. await ViolationsAsync(nodes, stop)];
    }

    /// <summary>Ends the users: everything typed is acknowledged then.</summary>
    /// <exception cref="TimeoutException">It was not, although there was time.</exception>
    public async Task EndAsync(CancellationToken stop)
    {
        await _ending.CancelAsync();
        await _users.WaitAsync(EndPatience, stop);
    }

    /// <summary>What is wrong at the end: edits lost or doubled, copies that differ, a broken protocol, things done twice. Empty: nothing.</summary>
    public async Task<ImmutableArray<string>> ViolationsAsync(IEnumerable<Node> nodes, CancellationToken stop)
    {
        var wrong = ImmutableArray.CreateBuilder<string>();
        var texts = new HashSet<string>();
        ImmutableArray<string> sources = [];
        foreach (var node in nodes)
        {
            var cells = await node.SourcesAsync(Session, stop);
            texts.Add(cells.GetValueOrDefault(Cell, ""));
            sources = [.. cells.Values];
        }
        var version = (await nodes.First().GetAsync($"sessions/{Session}", stop)).GetProperty("version").GetInt64();
        foreach (var page in Pages)
        {
            try
            {
                await page.UntilVersionAsync(version, stop).WaitAsync(EndPatience, stop);
            }
            catch (TimeoutException)
            {
                wrong.Add($"divergent: a page stays at version {page.Version} of {version}");
            }
            texts.Add(page.Text(Cell));
            wrong.AddRange(page.Complaints.Select(complaint => $"protocol: {complaint}"));
            if (page.Gone > 0)
                wrong.Add($"protocol: a page was told {page.Gone} times that the session is gone");
        }
        if (texts.Count != 1)
            wrong.Add($"divergent: {texts.Count} different texts");
        foreach (var text in texts)
            wrong.AddRange(History.Violations(text));
        wrong.AddRange(_requests?.Violations(sources) ?? []);
        return wrong.ToImmutable();
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        foreach (var page in Pages)
            await page.DisposeAsync();
        await _users.ContinueWith(_ => { }, TaskScheduler.Default);
        _api.Dispose();
        _ending.Dispose();
    }
}
