using CsCheck;
using Livebook.Cluster.Links;

namespace Livebook.Cluster.Tests.Links;

public sealed class HelloTests
{
    private static readonly Hello Mine = new(1, 2, "livebook", "livebook@10.0.0.1", 5, "k1");

    [Fact]
    public async Task Survives_the_wire()
    {
        var stop = TestContext.Current.CancellationToken;
        using var stream = new MemoryStream();
        await Mine.WriteAsync(stream, stop);
        stream.Position = 0;
        Assert.Equal(Mine, await Hello.ReadAsync(stream, stop));
    }

    [Theory]
    [InlineData(1, 1, null)]
    [InlineData(2, 3, null)]
    [InlineData(3, 3, "speaks protocol 3, this node 1 to 2")]
    [InlineData(3, 4, "speaks protocol 3 to 4, this node 1 to 2")]
    public void Ranges_of_protocols_must_overlap(byte lowest, byte highest, string? reason) =>
        Assert.Equal(reason, Mine.Refuse(Mine with { Lowest = lowest, Highest = highest }));

    [Fact]
    public void Names_of_clusters_must_be_equal() => Assert.Equal("another cluster name (other)", Mine.Refuse(Mine with { Cluster = "other" }));

    [Fact]
    public void A_name_without_an_address_is_no_node() => Assert.Equal("not a Livebook node", Mine.Refuse(Mine with { Node = "livebook@host" }));

    [Theory]
    [InlineData("k1", null)]
    [InlineData("k2 k1", null)]
    [InlineData("", null)]
    [InlineData("k2", "another LIVEBOOK_SECRET_KEY_BASE")]
    [InlineData("k2 k3", "another LIVEBOOK_SECRET_KEY_BASE")]
    public void Nodes_need_a_secret_in_common(string keyIds, string? reason)
    {
        Assert.Equal(reason, Mine.Refuse(Mine with { KeyIds = keyIds }));
        Assert.Equal(reason, (Mine with { KeyIds = keyIds }).Refuse(Mine));
    }

    [Fact]
    public async Task The_greeting_of_a_build_before_key_ids_is_understood()
    {
        var stop = TestContext.Current.CancellationToken;
        using var stream = new MemoryStream();
        await (Mine with { KeyIds = "" }).WriteAsync(stream, stop);
        var old = stream.ToArray()[..^1];
        old[0]--;

        Assert.Equal(Mine with { KeyIds = "" }, await Hello.ReadAsync(new MemoryStream(old), stop));
    }

    [Fact]
    public async Task Garbage_is_refused_and_nothing_else_happens() =>
        await Gen
            .Byte.Array[0, 300]
            .SampleAsync(async bytes =>
            {
                try
                {
                    await Hello.ReadAsync(new MemoryStream(bytes), CancellationToken.None);
                }
                catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
                {
                    // As it should be.
                }
            });
}
