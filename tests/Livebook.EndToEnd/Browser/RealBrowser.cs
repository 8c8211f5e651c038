using Livebook.EndToEnd.World;
using Microsoft.Playwright;

namespace Livebook.EndToEnd.Browser;

/// <summary>One Chromium and one server for the tests of the pages.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class RealBrowser : IAsyncLifetime, ICollectionFixture<RealBrowser>
{
    public const string Name = "Browser";

    private const string Program = "/usr/bin/chromium";

    private static readonly string[] Arguments =
    [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ];

    private IPlaywright? _playwright;
    private IBrowser? _browser;
    private Node? _node;

    internal Node Node => _node ?? throw new InvalidOperationException("the server is not started");

    public async ValueTask InitializeAsync()
    {
        _playwright = await Playwright.CreateAsync();
        Assertions.SetDefaultExpectTimeout(20_000);
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = Program, Args = Arguments });
        _node = await Node.StartAsync(new Dictionary<string, string>(), TestContext.Current.CancellationToken);
    }

    /// <summary>A browser window of its own, with no cookies yet.</summary>
    internal async Task<IPage> WindowAsync(int width = 1440, int height = 900, ColorScheme theme = ColorScheme.Light)
    {
        var context = await _browser!.NewContextAsync(
            new()
            {
                ViewportSize = new() { Width = width, Height = height },
                ColorScheme = theme,
                ReducedMotion = ReducedMotion.Reduce,
            }
        );
        context.SetDefaultTimeout(20_000);
        return await context.NewPageAsync();
    }

    /// <summary>A window on the home page of a server, signed in by the address that the server printed.</summary>
    internal async Task<IPage> HomeAsync(Node? node = null, int width = 1440, int height = 900, ColorScheme theme = ColorScheme.Light)
    {
        var page = await WindowAsync(width, height, theme);
        await page.GotoAsync((node ?? Node).SignInAddress);
        await page.GetByRole(AriaRole.Heading, new() { Name = "Notebooks" }).WaitForAsync();
        return page;
    }

    /// <summary>A window on a session.</summary>
    internal async Task<NotebookPage> OpenAsync(string session, Node? node = null, int width = 1440, int height = 900, ColorScheme theme = ColorScheme.Light)
    {
        var page = await HomeAsync(node, width, height, theme);
        await page.GotoAsync(new Uri((node ?? Node).Address, $"sessions/{session}").ToString());
        var notebook = new NotebookPage(page);
        await notebook.Cells.First.WaitForAsync();
        return notebook;
    }

    /// <summary>A window on a session, through a cluster's load balancer.</summary>
    internal async Task<NotebookPage> OpenAsync(string session, Cluster cluster)
    {
        var page = await WindowAsync();
        await page.GotoAsync(cluster.SignInAddress);
        await page.GetByRole(AriaRole.Heading, new() { Name = "Notebooks" }).WaitForAsync();
        await page.GotoAsync(new Uri(cluster.Address, $"sessions/{session}").ToString());
        var notebook = new NotebookPage(page);
        await notebook.Cells.First.WaitForAsync();
        return notebook;
    }

    /// <summary>A window on a new notebook, made as a user makes one: its only cell waits to be written.</summary>
    internal async Task<NotebookPage> NewNotebookAsync(Node? node = null)
    {
        var page = await HomeAsync(node);
        await page.GetByRole(AriaRole.Button, new() { Name = "New notebook" }).First.ClickAsync();
        var notebook = new NotebookPage(page);
        await notebook.UntilWritingAsync();
        return notebook;
    }

    /// <summary>A session of a notebook in the <c>.livemd</c> format.</summary>
    internal static async Task<string> SessionAsync(Node node, string source, CancellationToken stop) =>
        (await node.PostAsync("sessions", new { source }, stop)).GetProperty("id").GetString()!;

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
        if (_node is not null)
            await _node.DisposeAsync();
    }
}
