using Livebook.Server;
using Livebook.Web.Auth;
using Livebook.Web.Configuration;
using Livebook.Web.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Livebook.Web.Tests.World;

/// <summary>The real server inside the test's process, on a free port, configured by variables like every other.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    public const string ApiKey = "a-key-for-the-tests-0123456789";

    private readonly WebApplication _app;
    private readonly TemporaryFolder? _ownData;

    private TestServer(WebApplication app, TemporaryFolder? ownData)
    {
        _app = app;
        _ownData = ownData;
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        // As a browser without any cleverness: no redirects are followed, no cookies kept.
        Browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = Address };
        Api = new ApiClient(Address, ApiKey);
    }

    public Uri Address { get; }

    public HttpClient Browser { get; }

    public ApiClient Api { get; }

    public string? Token => _app.Services.GetRequiredService<Access>().Token;

    public static Task<TestServer> StartAsync(params (string Name, string Value)[] variables)
    {
        var data = new TemporaryFolder();
        return StartAsync(data.Path, data, variables);
    }

    public static Task<TestServer> StartOnAsync(TemporaryFolder data, params (string Name, string Value)[] variables) => StartAsync(data.Path, null, variables);

    private static async Task<TestServer> StartAsync(string data, TemporaryFolder? ownData, (string Name, string Value)[] variables)
    {
        var all = new Dictionary<string, string>
        {
            ["LIVEBOOK_DATA_PATH"] = data,
            ["LIVEBOOK_HOME"] = data,
            ["LIVEBOOK_PORT"] = "0",
            ["LIVEBOOK_API_KEY"] = ApiKey,
            ["LIVEBOOK_SPARE_RUNTIMES"] = "0",
        };
        foreach (var (name, value) in variables)
            all[name] = value;
        var app = WebServer.Build(LivebookConfiguration.Read(all, "1.2.3"));
        await app.Services.GetRequiredService<LivebookServer>().StartAsync(TestContext.Current.CancellationToken);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new TestServer(app, ownData);
    }

    /// <summary>Asks for a page as a browser does.</summary>
    public async Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        return await SendAsync(request, headers);
    }

    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, params (string Name, string Value)[] headers)
    {
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await Browser.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Browser.Dispose();
        Api.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        _ownData?.Dispose();
    }
}
