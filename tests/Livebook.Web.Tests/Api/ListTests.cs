using System.Text.RegularExpressions;
using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Api;

public sealed partial class ListTests
{
    [Fact]
    public async Task A_list_comes_in_pages_that_link_to_the_next_one()
    {
        await using var server = await TestServer.StartAsync();
        var made = new List<string>();
        for (var i = 0; i < 5; i++)
            made.Add((await server.Api.PostAsync(201, "sessions", new { name = $"Number {i}" })).Json.GetProperty("id").GetString()!);

        var found = new List<string>();
        var pages = 0;
        for (var next = "sessions?limit=2"; next is not null; pages++)
        {
            var page = await server.Api.GetAsync(200, next);
            Assert.InRange(page.Json.GetArrayLength(), 1, 2);
            found.AddRange(page.Json.EnumerateArray().Select(session => session.GetProperty("id").GetString()!));
            next = page.Headers.TryGetValues("Link", out var links) ? Next().Match(links.Single()).Groups["url"].Value : null;
        }
        Assert.Equal(3, pages);
        Assert.Equal(made, found);
        Assert.False((await server.Api.GetAsync(200, "sessions?limit=5")).Headers.Contains("Link"));
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=1001", "limit")]
    [InlineData("limit=two", "limit")]
    [InlineData("cursor=abc", "cursor")]
    public async Task A_bad_page_names_the_parameter(string query, string field)
    {
        await using var server = await TestServer.StartAsync();
        Assert.Equal([field], (await server.Api.GetAsync(400, $"sessions?{query}")).Fields);
    }

    [GeneratedRegex("^<(?<url>[^>]+)>; rel=\"next\"$")]
    private static partial Regex Next();
}
