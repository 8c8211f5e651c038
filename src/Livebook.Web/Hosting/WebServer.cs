using System.Net;
using Livebook.Cluster;
using Livebook.Server;
using Livebook.Server.Files;
using Livebook.Server.Runtimes;
using Livebook.Web.Api;
using Livebook.Web.Auth;
using Livebook.Web.Configuration;
using Livebook.Web.Health;
using Livebook.Web.Logging;
using Livebook.Web.Sessions;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Livebook.Web.Hosting;

/// <summary>Puts the parts together: one server, its doors, and nothing running yet.</summary>
internal static class WebServer
{
    public static WebApplication Build(LivebookConfiguration configuration)
    {
        var builder = WebApplication.CreateSlimBuilder(
            new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, WebRootPath = Path.Combine(AppContext.BaseDirectory, "wwwroot") }
        );
        builder.Configuration.Sources.Clear();
        builder.AddLogs(configuration);
        Telemetry.AddTo(builder, configuration);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(configuration.Ip, configuration.Port);
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = configuration.UploadBytes;
            // Browsers send the cookies of every service of a host (Z4).
            kestrel.Limits.MaxRequestHeadersTotalSize = 64 * 1024;
        });
        // Requests that still run when the server stops get a part of the time that a drain may take.
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(Math.Min(15, configuration.DrainSeconds / 5.0)));
        // When to stop is decided by whoever starts the server: a drain comes first.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        AddServices(builder.Services, configuration);

        var app = builder.Build();
        app.UseProxyHeaders(configuration);
        app.UseBasePath(configuration);
        app.UseForcedSsl(configuration);
        app.UseSafeHeaders();
        app.UseMiddleware<Problems>();
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.FromSeconds(15), KeepAliveTimeout = TimeSpan.FromSeconds(15) });
        app.UseAssets();
        app.UseSignIn();
        app.UseRouting();
        app.MapHealth();
        app.MapAuth();
        app.MapPageSocket();
        app.MapBrowser();
        app.MapApi();
        app.MapPages();
        return app;
    }

    /// <summary>Listens to no signals.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private static void AddServices(IServiceCollection services, LivebookConfiguration configuration)
    {
        services.AddSingleton(configuration);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<Access>();
        services.AddSingleton<FailureLimit>();
        services.AddSingleton<ClientFiles>();
        services.AddHostedService<IdleMemory>();
        services.AddRouting();
        services.AddApiDocument();
        services.AddSingleton<ICluster>(provider =>
            ClusterNode.Create(configuration.Cluster, provider.GetRequiredService<ILoggerFactory>(), TimeProvider.System)
        );
        services.AddSingleton<IRuntimes>(provider => new ProcessRuntimes(
            new RuntimeOptions
            {
                DataPath = configuration.DataPath,
                Spares = configuration.SpareRuntimes,
                Confine = true,
                User = configuration.RuntimeUser,
            },
            provider.GetRequiredService<ILoggerFactory>(),
            TimeProvider.System
        ));
        services.AddSingleton<INotebookFiles>(_ => new NotebookFiles());
        services.AddSingleton(provider => new LivebookServer(
            new ServerOptions
            {
                DataPath = configuration.DataPath,
                Home = configuration.Home,
                IdSecret = new Keys(configuration.SecretKeyBase).Derive("session-id"),
                Limits = configuration.Limits,
                SettingsKeys = configuration.SettingsKeys,
                StartupSecrets = configuration.StartupSecrets,
            },
            provider.GetRequiredService<ICluster>(),
            provider.GetRequiredService<IRuntimes>(),
            provider.GetRequiredService<INotebookFiles>(),
            new DiskSpace(configuration.DataPath),
            provider.GetRequiredService<ILoggerFactory>(),
            TimeProvider.System
        ));
        services.AddSingleton(provider => provider.GetRequiredService<LivebookServer>().Sessions);
        services.AddSingleton(provider => provider.GetRequiredService<LivebookServer>().Attachments);
        services.AddSingleton(provider => provider.GetRequiredService<LivebookServer>().Pages);
        services.AddSingleton(provider => provider.GetRequiredService<LivebookServer>().Settings);
    }
}
