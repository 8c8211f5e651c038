using Livebook.Core.Views;

namespace Livebook.Core.Tests.Views;

public sealed class AppendLogTests
{
    [Fact]
    public void Two_branches_of_one_version_do_not_see_each_other()
    {
        var trunk = AppendLog<string>.Empty.Append("a").Append("b");
        var one = trunk.Append("c").Append("d").Append("e");
        var other = trunk.Append("x");
        Assert.Equal(["a", "b"], trunk);
        Assert.Equal(["a", "b", "c", "d", "e"], one);
        Assert.Equal(["a", "b", "x"], other);
    }
}
