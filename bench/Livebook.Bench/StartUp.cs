using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Livebook.EndToEnd.World;

namespace Livebook.Bench;

/// <summary>From the start of the process to the first page, for somebody who has a cookie.</summary>
internal static class StartUp
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(2);

    public static async Task RunAsync(ServerProgram program, int runs, Report report, CancellationToken stop)
    {
        var data = Directory.CreateTempSubdirectory("livebook-bench-").FullName;
        try
        {
            var environment = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["LIVEBOOK_DATA_PATH"] = data,
                ["LIVEBOOK_PORT"] = $"{Server.FreePort()}",
                ["DOTNET_ROOT"] = ServerProgram.DotnetRoot,
            };
            var (address, cookie) = await CookieAsync(program, environment, stop);
            var samples = new List<double>();
            for (var run = 0; run < runs; run++)
                samples.Add(await OnceAsync(program, environment, address, cookie, stop));
            report.AddMedian("first_page", samples);
            report.Add("runs", runs);
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    /// <summary>An earlier life on the same data path and port: its cookie stays valid.</summary>
    private static async Task<(Uri Address, string Cookie)> CookieAsync(ServerProgram program, Dictionary<string, string> environment, CancellationToken stop)
    {
        await using var process = Child.Start(ServerProgram.Dotnet, [program.Path, "server"], environment);
        var line = await process.SaysAsync("Application running at", stop);
        await using var server = await Server.AtAsync(new Uri(line[line.IndexOf("http", StringComparison.Ordinal)..].Trim()), stop);
        await process.TerminateAsync(stop);
        return (server.Address, server.Cookie);
    }

    private static async Task<double> OnceAsync(
        ServerProgram program,
        Dictionary<string, string> environment,
        Uri address,
        string cookie,
        CancellationToken stop
    )
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });
        var began = Stopwatch.GetTimestamp();
        await using var process = Child.Start(ServerProgram.Dotnet, [program.Path, "server"], environment);
        while (true)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            request.Headers.Add("Cookie", cookie);
            request.Headers.Add("Accept", "text/html");
            try
            {
                using var response = await http.SendAsync(request, stop);
                if (response.StatusCode != HttpStatusCode.OK)
                    throw new InvalidOperationException($"{address} answered {(int)response.StatusCode}");
                await response.Content.ReadAsByteArrayAsync(stop);
                break;
            }
            catch (HttpRequestException error) when (error.InnerException is SocketException && Stopwatch.GetElapsedTime(began) < Patience)
            {
                await Task.Delay(Interval, stop);
            }
        }
        var elapsed = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        await process.TerminateAsync(stop);
        return elapsed;
    }
}
