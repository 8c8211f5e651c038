using System.Text.Json;
using Livebook.Core.Sessions;
using Livebook.Drill.Nodes;
using Livebook.Drill.Pages;

namespace Livebook.Drill.Load;

/// <summary>What one user does beside typing: cells of their own, in a branching section of their own, so that nobody else's run repeats them.</summary>
internal sealed class UserActs(Uri address, string session, PageClient page, string name, Requests requests)
{
    private static readonly TimeSpan AskPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RunPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(200);

    private readonly string _section = $"section-of-{name}";
    private int _made;

    /// <summary>Goes on until told to stop; what was begun is ended, or its outcome stays unknown.</summary>
    public async Task RunAsync(UserPlan plan, CancellationToken stop)
    {
        using var http = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero }) { Timeout = AskPatience };
        http.BaseAddress = new Uri(address, "api/v1/");
        http.DefaultRequestHeaders.Authorization = new("Bearer", Node.ApiKey);
        try
        {
            await page.SubmitAsync(new ClientOperation.InsertSection(_section, null, null, name), stop);
            await page.SubmitAsync(
                new ClientOperation.SetSectionParent(_section, page.Sections.First(section => section != _section && section != page.Sections[0])),
                stop
            );
            foreach (var (act, pause) in plan.Others())
            {
                await Task.Delay(pause, stop);
                await DoAsync(act, http, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The run is over.
        }
    }

    private async Task DoAsync(UserAct act, HttpClient http, CancellationToken stop)
    {
        var number = ++_made;
        if (act == UserAct.MakeByApi)
        {
            var source = $"made {number} by {name}";
            requests.Cell(source, done: false);
            await PostAsync(http, "cells", new { kind = "markdown", source }, $"cell-{name}-{number}", stop);
            requests.Cell(source, done: true);
            return;
        }
        var cell = $"run-{name}-{number:d6}";
        await page.SubmitAsync(new ClientOperation.InsertCell(cell, _section, 0, "code", "csharp", requests.SourceOf(cell)), stop);
        requests.Evaluation(cell, done: false);
        if (act == UserAct.RunInPage)
            await page.SubmitAsync(new ClientOperation.Evaluate([cell]), stop);
        else
            await PostAsync(http, "evaluations", new { cells = new[] { cell } }, $"run-{name}-{number}", stop);
        // A fresh cell was not run: it may be that its request is older than what the page shows.
        await page.UntilAsync(() => page.ValidityOf(cell) is not (null or "fresh"), stop).WaitAsync(RunPatience, stop).ContinueWith(_ => { }, stop);
        requests.Evaluation(cell, done: page.ValidityOf(cell) is "evaluated");
        await page.SubmitAsync(new ClientOperation.DeleteCell(cell), stop);
    }

    /// <summary>Asks with the same key until the answer is that it is done.</summary>
    private async Task PostAsync(HttpClient http, string what, object body, string key, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, $"sessions/{session}/{what}");
                request.Content = new StringContent(JsonSerializer.Serialize(body), System.Text.Encoding.UTF8, "application/json");
                request.Headers.Add("Idempotency-Key", key);
                using var response = await http.SendAsync(request, stop);
                if (response.IsSuccessStatusCode)
                    return;
            }
            catch (Exception error) when (!stop.IsCancellationRequested && Wait.IsPassing(error))
            {
                // Nobody knows whether it happened: that is what the key is for.
            }
            await Task.Delay(Again, stop);
        }
    }
}
