using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using Livebook.EndToEnd.World;

namespace Livebook.EndToEnd.Clusters;

/// <summary>Rows 25 and 26: files and events of a session through a load balancer that sends each request to the next node, and when its owner is killed.</summary>
[Collection(SharedCluster.Name)]
public sealed class AnyNodeFileTests(ThreeNodes shared, ITestOutputHelper output) : SharedClusterTests(shared)
{
    /// <summary>Megabytes of the large file; LIVEBOOK_E2E_FILE_MB asks for more.</summary>
    private static readonly int LargeMegabytes = int.Parse(Environment.GetEnvironmentVariable("LIVEBOOK_E2E_FILE_MB") ?? "320");

    private async Task<JsonElement> PutAsync(HttpClient api, string session, string name, byte[] content)
    {
        using var response = await api.PutAsync($"sessions/{session}/files/{name}", new ByteArrayContent(content), Stop);
        var text = await response.Content.ReadAsStringAsync(Stop);
        Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    private static async Task<byte[]> GetAsync(HttpClient api, string session, string name, string? range = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"sessions/{session}/files/{name}");
        if (range is not null)
            request.Headers.TryAddWithoutValidation("Range", range);
        using var response = await api.SendAsync(request, Stop);
        Assert.Equal(range is null ? HttpStatusCode.OK : HttpStatusCode.PartialContent, response.StatusCode);
        return await response.Content.ReadAsByteArrayAsync(Stop);
    }

    [Fact]
    public async Task A_file_is_stored_read_in_ranges_and_used_by_code_through_every_node()
    {
        var session = await Cluster.Nodes[0].CreateSessionAsync("Files", Stop);
        await Cluster.UntilAgreedAsync(session, Stop);
        var contents = new Dictionary<string, byte[]>();
        foreach (var (node, number) in Cluster.Nodes.Select((node, index) => (node, index)))
        {
            contents[$"file-{number}.bin"] = RandomNumberGenerator.GetBytes(600_000 + number);
            await PutAsync(node.Api, session, $"file-{number}.bin", contents[$"file-{number}.bin"]);
        }
        foreach (var (name, content) in contents)
        {
            foreach (var node in Cluster.Nodes)
            {
                Assert.Equal(content, await GetAsync(node.Api, session, name));
                Assert.Equal(content[250_000..250_100], await GetAsync(node.Api, session, name, "bytes=250000-250099"));
                Assert.Equal(content[^10..], await GetAsync(node.Api, session, name, "bytes=-10"));
            }
        }
        var cell = await Cluster
            .Nodes[1]
            .AddCellAsync(
                session,
                "code",
                "$\"{File.ReadAllBytes(Files.Path(\"file-2.bin\")).Length} {File.ReadAllBytes(\"files/file-0.bin\").Length}\"",
                Stop
            );
        Assert.Equal("600002 600000", Notebooks.ResultOf(await Cluster.Nodes[2].EvaluateAsync(session, cell, Stop)).Trim('"'));
        var missing = await Cluster.Nodes[0].AddCellAsync(session, "code", "Files.Path(\"none.csv\")", Stop);
        Assert.Contains(
            "The notebook has no file none.csv",
            (await Cluster.Nodes[0].EvaluateAsync(session, missing, Stop)).ToString(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task An_acknowledged_file_survives_the_loss_of_its_owner_and_then_of_the_next_one()
    {
        var session = await Cluster.Nodes[0].CreateSessionAsync("Kept", Stop);
        var place = await Cluster.UntilAgreedAsync(session, Stop);
        var content = RandomNumberGenerator.GetBytes(3_000_000);
        // Through a node that is not the owner, if there is one that has nothing to do with the session.
        var web = Cluster.Nodes.First(node => node.Name != place.Owner && node.Name != place.Standby);
        await PutAsync(web.Api, session, "kept.bin", content);
        await Cluster.Named(place.Owner).KillAsync();
        foreach (var node in Cluster.Nodes.Where(node => node.Name != place.Owner))
            Assert.Equal(content, await GetAsync(node.Api, session, "kept.bin"));

        // The third node becomes the standby, and gets what it lacks.
        var next = place.Standby!;
        await Wait.UntilAsync(
            () =>
                Task.FromResult(
                    Directory.Exists(BlobsOf(web, session)) && Directory.EnumerateFiles(BlobsOf(web, session)).Any(file => Path.GetFileName(file).Length == 64)
                ),
            "the new standby has the content",
            Stop
        );
        await Cluster.Named(place.Owner).StartAsync(Stop);
        await Cluster.UntilWholeAsync(Stop);
        var second = await Cluster.UntilAgreedAsync(session, Stop);
        await Cluster.Named(next).KillAsync();
        foreach (var node in Cluster.Nodes.Where(node => node.Name != next))
            Assert.Equal(content, await GetAsync(node.Api, session, "kept.bin"));
        output.WriteLine($"{place} then {second}");
    }

    private static string BlobsOf(Node node, string session) => Path.Combine(node.DataPath, "blobs", session);

    [Fact]
    public async Task Large_files_stream_through_a_node_that_is_not_the_owner_in_bounded_memory()
    {
        var session = await Cluster.Nodes[0].CreateSessionAsync("Large", Stop);
        var place = await Cluster.UntilAgreedAsync(session, Stop);
        var web = Cluster.Nodes.First(node => node.Name != place.Owner);
        var size = LargeMegabytes * 1024L * 1024;
        using var api = new HttpClient { BaseAddress = web.Api.BaseAddress, Timeout = Timeout.InfiniteTimeSpan };
        api.DefaultRequestHeaders.Authorization = web.Api.DefaultRequestHeaders.Authorization;
        await using var memory = new MemoryWatch(Cluster.Nodes);
        var started = System.Diagnostics.Stopwatch.StartNew();
        using (var body = new StreamContent(new PatternStream(size)))
        {
            body.Headers.ContentLength = size;
            using var put = await api.PutAsync($"sessions/{session}/files/large.bin", body, Stop);
            Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        }
        var stored = started.Elapsed;
        using (var get = await api.GetAsync($"sessions/{session}/files/large.bin", HttpCompletionOption.ResponseHeadersRead, Stop))
        {
            await using var stream = await get.Content.ReadAsStreamAsync(Stop);
            await using var expected = new PatternStream(size);
            Assert.Equal(await SHA256.HashDataAsync(expected, Stop), await SHA256.HashDataAsync(stream, Stop));
        }
        var text =
            $"{LargeMegabytes} MB: stored in {stored.TotalSeconds:0.0} s, read in {(started.Elapsed - stored).TotalSeconds:0.0} s, resident memory grew by at most {memory.GrowthMegabytes} MB a node";
        output.WriteLine(text);
        TestContext.Current.SendDiagnosticMessage(text);
        // Buffers, not the file.
        Assert.InRange(memory.GrowthMegabytes, 0, LargeMegabytes / 2);
    }

    [Fact]
    public async Task A_follower_misses_nothing_when_the_owner_is_killed()
    {
        var session = await Cluster.Nodes[0].CreateSessionAsync("Followed", Stop);
        var place = await Cluster.UntilAgreedAsync(session, Stop);
        using var follows = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        // One through the load balancer, one at a node that stays.
        var reader = new EventReader(Cluster.Api, session);
        var other = new EventReader(Cluster.Nodes.First(node => node.Name != place.Owner).Api, session);
        var running = Task.WhenAll(reader.RunAsync(follows.Token), other.RunAsync(follows.Token));
        await Wait.UntilAsync(() => Task.FromResult(reader.Events.Count > 0 && other.Events.Count > 0), "both follow", Stop);
        var names = new List<string>();
        async Task RenameAsync(int number)
        {
            names.Add($"Name {number}");
            await Wait.UntilAsync(
                async () =>
                {
                    using var response = await Cluster.Api.PatchAsync($"sessions/{session}", JsonContentOf(new { name = names[^1] }), Stop);
                    return response.IsSuccessStatusCode;
                },
                "the name is changed",
                Stop
            );
        }
        for (var i = 0; i < 10; i++)
            await RenameAsync(i);
        await Cluster.Named(place.Owner).KillAsync();
        for (var i = 10; i < 20; i++)
            await RenameAsync(i);
        string[] Seen(EventReader of) => [.. of.Events.Where(it => it.Name == "notebook").Select(it => it.Data.GetProperty("name").GetString()!)];
        await Wait.UntilAsync(() => Task.FromResult(Seen(reader).Contains("Name 19") && Seen(other).Contains("Name 19")), "both have the last name", Stop);
        await follows.CancelAsync();
        await running;
        Assert.Equal(names, Seen(reader).Distinct());
        Assert.Equal(names, Seen(other).Distinct());
        Assert.DoesNotContain(reader.Events.Concat(other.Events), it => it.Name == "resync");
    }

    [Fact]
    public async Task A_file_of_one_node_is_opened_from_another_once_and_again_after_its_owner_died_row_24()
    {
        var folder = Directory.CreateTempSubdirectory("livebook-e2e-file-").FullName;
        try
        {
            var path = Path.Combine(folder, "shared.livemd");
            await File.WriteAllTextAsync(path, "# Shared\n", Stop);
            var owner = Cluster.Nodes[1];
            var first = (await Cluster.Nodes[0].PostAsync("sessions", new { file = path, node = owner.Name }, Stop)).GetProperty("id").GetString();
            var started = System.Diagnostics.Stopwatch.StartNew();
            foreach (var node in Cluster.Nodes)
                Assert.Equal(first, (await node.PostAsync("sessions", new { file = path, node = owner.Name }, Stop)).GetProperty("id").GetString());
            output.WriteLine($"three times joined in {started.ElapsedMilliseconds} ms");
            await PutAsync(Cluster.Nodes[2].Api, first!, "beside.txt", "beside"u8.ToArray());
            Assert.Equal("beside", await File.ReadAllTextAsync(Path.Combine(folder, "files", "beside.txt"), Stop));

            await owner.KillAsync();
            Assert.Equal("beside", System.Text.Encoding.UTF8.GetString(await GetAsync(Cluster.Nodes[0].Api, first!, "beside.txt")));
            // The lock went with its holder: the file can be closed and opened by others.
            await owner.StartAsync(Stop);
            await Cluster.UntilWholeAsync(Stop);
            await Cluster.UntilAgreedAsync(first!, Stop);
            using (var closed = await Cluster.Nodes[0].Api.DeleteAsync($"sessions/{first}", Stop))
                Assert.Equal(HttpStatusCode.NoContent, closed.StatusCode);
            var again = (await Cluster.Nodes[2].PostAsync("sessions", new { file = path, node = owner.Name }, Stop)).GetProperty("id").GetString();
            Assert.NotEqual(first, again);
            await Wait.UntilAsync(
                async () => (await Cluster.Nodes[0].GetAsync($"sessions/{again}/files", Stop)).GetArrayLength() == 1,
                "the file beside the notebook is there again",
                Stop
            );
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static StringContent JsonContentOf(object body) => new(JsonSerializer.Serialize(body), new MediaTypeHeaderValue("application/json"));
}
