using System.Globalization;
using System.Text.Json;
using Livebook.EndToEnd.Clusters;
using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Secrets;

/// <summary>A cell that looks for the server's secrets wherever code can look finds none. Needs root, to be both root and somebody else.</summary>
[Collection(OwnServers.Name)]
public sealed class EscapeTests(PublicPlace place) : IClassFixture<PublicPlace>
{
    private const string Nobody = "nobody";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public Task Nothing_is_found_where_the_server_is_root_and_notebooks_are_another_user() =>
        TryAsync(Node.NewDataPath(), [place.Dotnet], Nobody, ("LIVEBOOK_RUNTIME_USER", Nobody));

    [Fact]
    public Task Nothing_is_found_where_the_server_is_root_and_there_is_no_other_user() => TryAsync(Node.NewDataPath(), [place.Dotnet], "root");

    [Fact]
    public Task Nothing_is_found_where_the_server_is_a_plain_user() => TryAsync(OwnedByNobody(Node.NewDataPath()), AsNobody(), Nobody);

    [Fact]
    public async Task Nothing_is_found_where_a_plain_user_has_no_namespaces()
    {
        // Landlock: for a data path beside which the user cannot make anything. Without the program, no namespace is made.
        var parent = Directory.CreateDirectory($"/var/lib/livebook-e2e-{Guid.NewGuid():N}");
        var programs = Directory.CreateTempSubdirectory("livebook-bin-");
        try
        {
            File.SetUnixFileMode(programs.FullName, (UnixFileMode)0b111_101_101);
            foreach (var program in new[] { "sh", "cat" })
                File.CreateSymbolicLink(Path.Combine(programs.FullName, program), $"/bin/{program}");
            var data = Path.Combine(parent.FullName, "data");
            Directory.CreateDirectory(data);
            await TryAsync(OwnedByNobody(data), AsNobody(), Nobody, ("PATH", programs.FullName));
        }
        finally
        {
            programs.Delete(recursive: true);
            parent.Delete(recursive: true);
        }
    }

    private string[] AsNobody() => ["/usr/bin/setpriv", "--reuid", Nobody, "--regid", "nogroup", "--clear-groups", place.Dotnet];

    private static string OwnedByNobody(string path)
    {
        PublicPlace.Run("chown", Nobody, path);
        return path;
    }

    private async Task TryAsync(string data, string[] command, string user, params (string Name, string Value)[] environment)
    {
        var home = Directory.CreateTempSubdirectory("livebook-home-");
        if (user == Nobody)
            OwnedByNobody(home.FullName);
        var secrets = new[]
        {
            "LIVEBOOK_PASSWORD",
            "LIVEBOOK_COOKIE",
            "LIVEBOOK_COOKIE_PREVIOUS",
            "LIVEBOOK_SECRET_KEY_BASE_PREVIOUS",
            "LB_DATABASE",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        }.ToDictionary(name => name, _ => $"canary-{Guid.NewGuid():N}{Guid.NewGuid():N}");
        var variables = new Dictionary<string, string>(secrets, StringComparer.Ordinal)
        {
            ["LIVEBOOK_SPARE_RUNTIMES"] = "0",
            ["DOTNET_ROOT"] = place.DotnetRoot,
            ["HOME"] = home.FullName,
        };
        foreach (var (name, value) in environment)
            variables[name] = value;
        try
        {
            await using var node = await Node.StartAsync(variables, Stop, data, [.. command, place.Server]);
            var other = await node.CreateSessionAsync("Of another person", Stop);
            var text = $"canary-{Guid.NewGuid():N}";
            await node.AddCellAsync(other, "markdown", text, Stop);
            await node.EvaluateAsync(other, await node.AddCellAsync(other, "code", "1 + 1", Stop), Stop);
            var runtime = JsonDocument
                .Parse(await File.ReadAllBytesAsync(Directory.GetFiles(Path.Combine(data, "runtimes"), "*.json").Single(), Stop))
                .RootElement;
            string[] words =
            [
                .. secrets.Values,
                Node.ApiKey,
                text,
                runtime.GetProperty("Key").GetString()!,
                await File.ReadAllTextAsync(Path.Combine(data, "secret_key_base"), Stop),
            ];
            int[] targets = [node.Process.Pid, runtime.GetProperty("Pid").GetInt32()];

            var session = await node.CreateSessionAsync("Curious", Stop);
            var source = new StreamReader(typeof(EscapeTests).Assembly.GetManifestResourceStream("escape.cell")!)
                .ReadToEnd()
                .Replace("TARGETS", string.Join(' ', targets), StringComparison.Ordinal)
                .Replace("TARGET", targets[0].ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
                .Replace("WORDS", string.Join(' ', words), StringComparison.Ordinal)
                .Replace("SESSION", other, StringComparison.Ordinal)
                .Replace("SOCKET", runtime.GetProperty("Socket").GetString(), StringComparison.Ordinal)
                .Replace("DATA", data, StringComparison.Ordinal);
            var evaluation = await node.EvaluateAsync(session, await node.AddCellAsync(session, "code", source, Stop), Stop);
            var said = evaluation.ToString();
            Assert.True(evaluation.GetProperty("status").GetString() == "ok", said);
            Assert.DoesNotContain("FOUND", said, StringComparison.Ordinal);
            Assert.Contains("own folder: kept", said, StringComparison.Ordinal);
            Assert.Matches(@"NoNewPrivs:\\t1", said);
            Assert.Matches(@"tried \d{2,}", said);
            Assert.Contains(user, Notebooks.ResultOf(evaluation), StringComparison.Ordinal);

            // Root sees what no notebook does, and finds none there either.
            foreach (var process in targets)
            {
                foreach (var file in new[] { "environ", "cmdline" })
                {
                    var seen = await File.ReadAllTextAsync($"/proc/{process}/{file}", Stop);
                    Assert.All(words, word => Assert.DoesNotContain(word, seen, StringComparison.Ordinal));
                }
            }
            Assert.All(words, word => Assert.DoesNotContain(word, node.Process.Said, StringComparison.Ordinal));
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }
}
