using System.Net;
using System.Net.Sockets;
using Livebook.Cluster.Settings;
using Livebook.Server;
using Livebook.Server.Runtimes;
using Livebook.Server.Sessions;
using Livebook.Server.Settings;
using Livebook.Web.Auth;
using Livebook.Web.Configuration;
using Livebook.Web.Hosting;
using Livebook.Web.Startup;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using SessionDirectory = Livebook.Server.Sessions.Sessions;

namespace Livebook.Web.Cli;

/// <summary>Starts the server and stays until it is told to stop.</summary>
internal static class ServerCommand
{
    /// <summary>Exit status of a wrong configuration.</summary>
    private const int WrongConfiguration = 1;

    /// <summary>This much of the time to stop is kept for the end itself.</summary>
    private static readonly TimeSpan Reserve = TimeSpan.FromMilliseconds(400);

    /// <summary>Ends the process when stopping takes too long. Kept to the very end.</summary>
    private static Timer? _deadline;

    /// <param name="place">A notebook or folder to open, or the address of a notebook.</param>
    public static async Task<int> RunAsync(string? place, CancellationToken stop)
    {
        LivebookConfiguration configuration;
        IDisposable dataPath;
        try
        {
            configuration = await LivebookConfiguration.ReadAsync(ServerProcess.Variables, CommandLine.Version, Machine.Real, stop);
            dataPath = DataPathLock.Take(configuration.DataPath);
        }
        catch (ConfigurationException error)
        {
            await Console.Error.WriteLineAsync($"[Livebook] {error.Message}");
            return WrongConfiguration;
        }
        using var held = dataPath;
        foreach (var remark in configuration.Remarks)
            await Console.Error.WriteLineAsync($"[Livebook] {remark}");

        using var signals = new StopSignals();
        await using var app = WebServer.Build(configuration);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stop);
        _ = CancelWhenAskedAsync(signals, stopping);
        var server = app.Services.GetRequiredService<LivebookServer>();
        try
        {
            await server.StartAsync(stopping.Token);
            await app.StartAsync(stopping.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return 0;
        }
        catch (SettingsLockedException locked)
        {
            await Console.Error.WriteLineAsync(
                $"[Livebook] LIVEBOOK_SECRET_KEY_BASE must be the secret that {locked.Path} was encrypted with, found another one. Give the earlier one as LIVEBOOK_SECRET_KEY_BASE_PREVIOUS, or move the file away to start without the stored settings"
            );
            return WrongConfiguration;
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
            await Console.Error.WriteLineAsync($"[Livebook] {Explain(configuration, error)}");
            return WrongConfiguration;
        }
        var access = app.Services.GetRequiredService<Access>();
        var address = AddressOf(app, configuration);
        Console.WriteLine($"[Livebook] Application running at {WithToken(address, access)}");
        if (await app.Services.GetRequiredService<IRuntimes>().Weakness is { } weakness)
            await Console.Error.WriteLineAsync($"[Livebook] {weakness}");
        if (place is not null)
            await OpenAsync(server.Sessions, place, address, access, stopping.Token);
        await Task.Delay(Timeout.Infinite, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await LeaveAsync(app, server, configuration);
        return 0;
    }

    private static async Task CancelWhenAskedAsync(StopSignals signals, CancellationTokenSource stopping)
    {
        await signals.Asked;
        await stopping.CancelAsync();
    }

    /// <summary>Drains, if there is a cluster, and stops serving. Whatever hangs, the process ends in time: orchestrators kill it a moment later, in the middle of anything.</summary>
    private static async Task LeaveAsync(WebApplication app, LivebookServer server, LivebookConfiguration configuration)
    {
        var budget = TimeSpan.FromSeconds(configuration.DrainSeconds);
        _deadline = new Timer(
            _ =>
            {
                Console.Error.WriteLine($"[Livebook] not everything ended within LIVEBOOK_DRAIN_SECONDS ({configuration.DrainSeconds} s): stopping now");
                Environment.Exit(0);
            },
            null,
            budget - Reserve,
            Timeout.InfiniteTimeSpan
        );
        if (configuration.Cluster.DnsQuery is not null)
            await server.DrainAsync(budget, CancellationToken.None);
        await app.StopAsync();
    }

    private static string Explain(LivebookConfiguration configuration, Exception error) =>
        error.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException
        || error is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse }
            ? $"LIVEBOOK_PORT must be a free port of {configuration.Ip}, found \"{configuration.Port}\", which is in use"
            : $"the server cannot start: {error.Message}";

    private static string AddressOf(WebApplication app, LivebookConfiguration configuration)
    {
        var bound = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        var any = configuration.Ip.Equals(IPAddress.Any) || configuration.Ip.Equals(IPAddress.IPv6Any);
        var host = any || IPAddress.IsLoopback(configuration.Ip) && configuration.Ip.Equals(IPAddress.Loopback) ? "localhost" : bound.Host;
        return $"http://{host}:{bound.Port}{configuration.BasePath}/";
    }

    private static string WithToken(string address, Access access) => access.Token is { } token ? $"{address}?token={token}" : address;

    private static async Task OpenAsync(SessionDirectory sessions, string place, string address, Access access, CancellationToken stop)
    {
        try
        {
            if (Directory.Exists(place))
            {
                var folder = $"{address}?path={Uri.EscapeDataString(Path.GetFullPath(place))}";
                Console.WriteLine($"[Livebook] Folder: {(access.Token is { } token ? $"{folder}&token={token}" : folder)}");
                return;
            }
            var opened =
                Uri.TryCreate(place, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
                    ? await ImportAsync(sessions, uri, stop)
                    : await sessions.OpenFileAsync(null, Path.GetFullPath(place), null, stop);
            Console.WriteLine($"[Livebook] Notebook: {WithToken($"{address}sessions/{opened.Id}", access)}");
            foreach (var warning in opened.Warnings)
                await Console.Error.WriteLineAsync($"[Livebook] {warning}");
        }
        catch (Exception error)
            when (error is SessionRefusedException or Livebook.Core.Imports.NotebookFormatException or HttpRequestException or TaskCanceledException)
        {
            await Console.Error.WriteLineAsync($"[Livebook] {place} was not opened: {error.Message}");
        }
    }

    private static async Task<OpenedSession> ImportAsync(SessionDirectory sessions, Uri address, CancellationToken stop)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(30) };
        var content = await http.GetByteArrayAsync(address, stop);
        return await sessions.ImportAsync(Path.GetFileName(address.LocalPath), content, null, stop);
    }
}
