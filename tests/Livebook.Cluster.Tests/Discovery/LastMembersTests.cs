using System.Net;
using Livebook.Cluster.Discovery;

namespace Livebook.Cluster.Tests.Discovery;

public sealed class LastMembersTests : IDisposable
{
    private readonly DirectoryInfo data = Directory.CreateTempSubdirectory("livebook-members-");

    public void Dispose() => data.Delete(recursive: true);

    [Fact]
    public void The_last_company_is_remembered_and_being_alone_is_not()
    {
        var members = new LastMembers(data.FullName);
        Assert.Empty(members.Addresses);
        members.Keep(["10.0.0.10", "10.0.0.9"]);
        members.Keep(["10.0.0.9"]);
        Assert.Equal([IPAddress.Parse("10.0.0.9"), IPAddress.Parse("10.0.0.10")], new LastMembers(data.FullName).Addresses);
    }

    [Fact]
    public void Whatever_else_is_in_the_file_is_passed_over()
    {
        File.WriteAllText(Path.Combine(data.FullName, "last-members"), "10.0.0.9\nnot an address\n\nfd00::1");
        Assert.Equal([IPAddress.Parse("10.0.0.9"), IPAddress.Parse("fd00::1")], new LastMembers(data.FullName).Addresses);
    }

    [Fact]
    public void A_node_without_a_data_path_keeps_nothing()
    {
        var members = new LastMembers("");
        members.Keep(["10.0.0.9", "10.0.0.10"]);
        Assert.Equal(2, members.Addresses.Length);
        Assert.False(File.Exists("last-members"));
    }
}
