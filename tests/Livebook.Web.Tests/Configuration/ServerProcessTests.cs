using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Configuration;

/// <summary>The program as it starts, with what is wrong and what is right.</summary>
public sealed partial class ServerProcessTests : IDisposable
{
    private readonly TemporaryFolder _data = new();

    public void Dispose() => _data.Dispose();

    [Theory]
    [InlineData("LIVEBOOK_PORT", "abc")]
    [InlineData("LIVEBOOK_PASSWORD", "s3cr3t!")]
    [InlineData("LIVEBOOK_CLUSTER", "dns:books.internal")]
    public async Task A_wrong_configuration_ends_with_one_line(string name, string value)
    {
        var ended = await LivebookProcess.RunAsync(["server"], ("LIVEBOOK_DATA_PATH", _data.Path), (name, value));
        Assert.Equal(1, ended.ExitCode);
        Assert.Empty(ended.Output);
        Assert.Matches($@"^\[Livebook\] LIVEBOOK_\w+ must be [^\n]+\n$", ended.Error);
        Assert.DoesNotContain("s3cr3t!", ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_in_use_is_named()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var ended = await LivebookProcess.RunAsync([], ("LIVEBOOK_DATA_PATH", _data.Path), ("LIVEBOOK_PORT", $"{port}"));
        Assert.Equal(1, ended.ExitCode);
        Assert.Equal($"[Livebook] LIVEBOOK_PORT must be a free port of 127.0.0.1, found \"{port}\", which is in use\n", ended.Error);
    }

    [Fact]
    public async Task A_data_path_of_another_server_is_named()
    {
        await using var other = LivebookProcess.Start(["server"], ("LIVEBOOK_DATA_PATH", _data.Path), ("LIVEBOOK_PORT", "0"), ("LIVEBOOK_SPARE_RUNTIMES", "0"));
        await other.WritesAsync("Application running at");
        var ended = await LivebookProcess.RunAsync(["server"], ("LIVEBOOK_DATA_PATH", _data.Path), ("LIVEBOOK_PORT", "0"));
        Assert.Equal(1, ended.ExitCode);
        Assert.Matches(@"^\[Livebook\] LIVEBOOK_DATA_PATH [^\n]+\n$", ended.Error);
        Assert.Contains($"process {other.Pid} on {Environment.MachineName}", ended.Error, StringComparison.Ordinal);
        Assert.Contains(_data.Path, ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Code_sees_no_variable_of_the_server_and_no_process_is_left()
    {
        (string, string)[] secrets =
        [
            ("LIVEBOOK_API_KEY", TestServer.ApiKey),
            ("LIVEBOOK_PASSWORD", "a password of the tests"),
            ("LIVEBOOK_SECRET_KEY_BASE", new string('s', 64)),
            ("LIVEBOOK_COOKIE", "a cookie of the tests"),
            ("RELEASE_COOKIE", "another cookie of the tests"),
        ];
        await using var process = LivebookProcess.Start(
            ["server"],
            [("LIVEBOOK_DATA_PATH", _data.Path), ("LIVEBOOK_PORT", "0"), ("OF_THE_USER", "seen"), .. secrets]
        );
        var said = await process.WritesAsync("Application running at");
        Assert.DoesNotContain("token=", said, StringComparison.Ordinal);
        using var api = new ApiClient(new Uri(Address().Match(said).Value), TestServer.ApiKey);
        var id = await api.NewSessionAsync(
            "# Environment\n\n## One\n\n```csharp\nforeach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())\n    Console.WriteLine($\"{entry.Key}={entry.Value}\");\nConsole.WriteLine(Environment.CommandLine);\n```\n"
        );
        var evaluation = (await api.PostAsync(200, $"sessions/{id}/evaluations", new { cells = "all", wait = 60 })).Json.GetProperty("evaluations")[0];
        Assert.Equal("ok", evaluation.GetProperty("status").GetString());
        var environment = evaluation.GetProperty("outputs")[0].GetProperty("data").GetProperty("text/plain").GetString()!;
        Assert.Contains("OF_THE_USER=seen", environment, StringComparison.Ordinal);
        Assert.DoesNotContain("LIVEBOOK_", environment, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("RELEASE_", environment, StringComparison.OrdinalIgnoreCase);
        Assert.All(secrets, secret => Assert.DoesNotContain(secret.Item2, environment, StringComparison.Ordinal));

        var children = process.Children();
        Assert.NotEmpty(children);
        process.Signal(LivebookProcess.Terminate);
        var ended = await process.EndAsync();
        Assert.Equal(0, ended.ExitCode);
        Assert.All(secrets, secret => Assert.DoesNotContain(secret.Item2, ended.Output + ended.Error, StringComparison.Ordinal));
        foreach (var child in children)
            await LivebookProcess.UntilGoneAsync(child);
    }

    [Fact]
    public async Task The_server_says_where_it_is_opens_a_notebook_and_stops_on_request()
    {
        var file = _data.Write("plans.livemd", "# Plans\n");
        await using var process = LivebookProcess.Start([file], ("LIVEBOOK_DATA_PATH", _data.Path), ("LIVEBOOK_PORT", "0"), ("LIVEBOOK_SPARE_RUNTIMES", "0"));
        var said = await process.WritesAsync("[Livebook] Notebook: ");
        Assert.Matches(@"\[Livebook\] Application running at http://localhost:\d+/\?token=[a-z2-7]{32}\n", said);
        Assert.Matches(@"\[Livebook\] Notebook: http://localhost:\d+/sessions/[a-z0-9]{20}\?token=[a-z2-7]{32}", said);
        process.Signal(LivebookProcess.Interrupt);
        var ended = await process.EndAsync();
        Assert.Equal(0, ended.ExitCode);
        Assert.All(
            ended.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line => Assert.Contains("notebooks run as root", line, StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task The_data_path_is_closed_to_others_however_it_was_made()
    {
        const UnixFileMode open = (UnixFileMode)0b111_101_101;
        var old = Directory.CreateDirectory(Path.Combine(_data.Path, "old")).FullName;
        File.SetUnixFileMode(_data.Path, open);
        File.SetUnixFileMode(old, open);
        await using var process = LivebookProcess.Start(["server"], ("LIVEBOOK_DATA_PATH", _data.Path), ("LIVEBOOK_PORT", "0"));
        var said = await process.WritesAsync("Application running at");
        using var http = new HttpClient();
        Assert.True((await http.GetAsync(new Uri(Address().Match(said).Value), TestContext.Current.CancellationToken)).IsSuccessStatusCode);
        Assert.All(
            Directory.EnumerateFileSystemEntries(_data.Path).Append(_data.Path),
            entry => Assert.Equal((UnixFileMode)0, File.GetUnixFileMode(entry) & (open & ~(UnixFileMode)0b111_001_000))
        );
    }

    [GeneratedRegex(@"http://\S+")]
    private static partial Regex Address();
}
