using Livebook.Core.Sessions;
using Livebook.Drill.Pages;

namespace Livebook.Drill.Load;

/// <summary>What one user does beside typing: cells of their own, in a branching section of their own, so that nobody else's run repeats them.</summary>
internal sealed class UserActs(ApiDoor api, PageClient page, string name, Requests requests)
{
    private static readonly TimeSpan RunPatience = TimeSpan.FromSeconds(30);

    private readonly string _section = $"section-of-{name}";
    private int _made;

    /// <summary>Goes on until told to stop; what was begun is ended, or its outcome stays unknown.</summary>
    public async Task RunAsync(UserPlan plan, CancellationToken stop)
    {
        try
        {
            var parent = page.Sections.First(section => section != page.Sections[0]);
            await page.SubmitAsync(new ClientOperation.InsertSection(_section, null, null, name), stop);
            await page.SubmitAsync(new ClientOperation.SetSectionParent(_section, parent), stop);
            foreach (var (act, pause) in plan.Others())
            {
                await Task.Delay(pause, stop);
                await DoAsync(act, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The run is over.
        }
        catch (InvalidOperationException error)
        {
            // Everything that it refers to was acknowledged: it is there once, or something was lost or happened twice.
            requests.Refused($"{name}: {error.Message}");
        }
    }

    private async Task DoAsync(UserAct act, CancellationToken stop)
    {
        var number = ++_made;
        if (act == UserAct.MakeByApi)
        {
            var source = $"made {number} by {name}";
            requests.Cell(source, done: false);
            await api.SendAsync(HttpMethod.Post, "cells", new { kind = "markdown", source }, $"cell-{name}-{number}", stop);
            requests.Cell(source, done: true);
            return;
        }
        var cell = $"run-{name}-{number:d6}";
        await page.SubmitAsync(new ClientOperation.InsertCell(cell, _section, 0, "code", "csharp", requests.SourceOf(cell)), stop);
        requests.Evaluation(cell, done: false);
        if (act == UserAct.RunInPage)
            await page.SubmitAsync(new ClientOperation.Evaluate([cell]), stop);
        else
            await api.SendAsync(HttpMethod.Post, "evaluations", new { cells = new[] { cell } }, $"run-{name}-{number}", stop);
        // A fresh cell was not run: it may be that its request is older than what the page shows.
        await page.UntilAsync(() => page.ValidityOf(cell) is not (null or "fresh"), stop).WaitAsync(RunPatience, stop).ContinueWith(_ => { }, stop);
        requests.Evaluation(cell, done: page.ValidityOf(cell) is "evaluated");
        await page.SubmitAsync(new ClientOperation.DeleteCell(cell), stop);
    }
}
